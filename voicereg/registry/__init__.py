"""The registry's use cases: what a user can do, each with its own transactions."""

from __future__ import annotations

from voicereg.registry.facade import Registry

__all__ = ["Registry"]
