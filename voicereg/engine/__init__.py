"""Engines: how a database is opened, how transactions begin, and what its errors mean.

``database`` is the same for every kind; ``kinds`` says what differs, and ``sqlite`` and
``postgresql`` differ.
"""

from __future__ import annotations

from voicereg.engine.database import Database

__all__ = ["Database"]
