"""Housekeeping: a round that an administrator can forget, because it speaks when it must."""

from __future__ import annotations

from voicereg.housekeeping.round import run_round

__all__ = ["run_round"]
