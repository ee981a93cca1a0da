"""Where all that watches puts down what it saw."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.uses import LONGEST_SOURCE, is_source

if TYPE_CHECKING:
    from voicereg.registry import Registry

Used = Callable[[object], None]
"""Takes the id of a voice that has spoken."""
_LONGEST_ID = 255
_logger = logging.getLogger(__name__)


class Notes:
    """Notes uses in a registry, until it is told to stop.

    Args:
        registry: where uses are noted.
        source: who uses the voices; None: as the registry was opened.

    Raises:
        InvalidInput: a source that can be none.
    """

    def __init__(self, registry: Registry, source: str | None) -> None:
        if source is not None and not is_source(source):
            raise InvalidInput(
                Problem("source", ascii(source), f"it is 1 to {LONGEST_SOURCE} visible characters")
            )
        self._record = registry.record_use
        self._source = source
        self._stopped = False

    def used(self, voice: object) -> None:
        """Note one use of a voice, by the provider's id; what can be no id is passed over."""
        if not self._stopped and is_voice(voice):
            self._record(voice, source=self._source)  # type: ignore[arg-type]  # is_voice says so

    def stop(self) -> None:
        """Note nothing from now on."""
        self._stopped = True


def is_voice(value: object) -> bool:
    """Whether ``value`` could be the id of a voice: a short text that a database can hold."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable()


def unharmed(watch: Callable[[], None]) -> None:
    """Watch something; whatever goes wrong with that is no matter of the code that is watched."""
    try:
        watch()
    except Exception:
        _logger.warning("a use could not be noted", exc_info=True)
