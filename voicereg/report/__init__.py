"""The report: what is known of a registry, as one HTML page that needs nothing else."""

from __future__ import annotations

from voicereg.report.facts import Facts, read_facts
from voicereg.report.page import Page
from voicereg.report.previews import Placement, Previews

__all__ = ["Facts", "Page", "Placement", "Previews", "read_facts"]
