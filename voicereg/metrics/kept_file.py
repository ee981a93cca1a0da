"""The figures of a scheduler in a file: fresh while it runs, leading or not, and gone with it."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from voicereg.domain.errors import VoiceregError
from voicereg.metrics.exposition import expose
from voicereg.metrics.figures import read_figures
from voicereg.metrics.textfile import write_textfile
from voicereg.registry import Registry

EVERY = timedelta(minutes=5)
"""How old the figures become while nothing happens."""
_logger = logging.getLogger(__name__)


class KeptFile:
    """The file of one scheduler.

    Each has its own, whoever leads: one that was written by leaders alone would be left behind by
    the first of them, and tell for hours what is no longer so.
    """

    def __init__(self, path: Path, registry: Registry) -> None:
        """Keep a file.

        Args:
            path: where it is; its name ends in ``.prom``.
            registry: an open one.
        """
        self._path = path
        self._registry = registry
        self._tried_at: datetime | None = None
        self._said: str | None = None

    def keep(self, *, at_once: bool = False) -> None:
        """Write the file where it has become old. What goes wrong is logged, once.

        Args:
            at_once: however young it is.
        """
        now = self._registry.now()
        # One that is of the future was written by a clock that was wrong.
        if not at_once and self._tried_at is not None and abs(now - self._tried_at) < EVERY:
            return
        self._tried_at = now
        try:
            write_textfile(self._path, expose(read_figures(self._registry)))
        except VoiceregError as error:
            self._say(f"the figures were not written: {error}")
        except Exception:
            # Whatever it is, it must not keep the rounds from running.
            _logger.exception("the figures were not written")
        else:
            self._said = None

    def remove(self) -> None:
        """Leave no figures that nobody keeps fresh. A link stays one."""
        try:
            self._path.resolve().unlink(missing_ok=True)
        except (OSError, RuntimeError) as error:  # a link that leads to itself
            why = getattr(error, "strerror", None) or str(error)
            _logger.warning("%s tells old figures from now on: %s", self._path, why)

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            _logger.warning("%s", text)
