"""``log://``: the program's own log, one line for each item."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from voicereg.domain.errors import DeliveryFailed
from voicereg.domain.messages import Language, Message, News
from voicereg.notify.rendering import log_lines

_log = logging.getLogger("voicereg.notify")


@dataclass(frozen=True, slots=True)
class LogChannel:
    """Writes warnings as warnings, and all-clears as information."""

    name: str
    url: str

    def send(self, message: Message, language: Language) -> None:
        """Write a line for each item; of many that are alike, for the first and for the rest.

        Where the log takes no information, an all-clear is a warning as well: whoever has read
        the warning is to read the all-clear, too.

        Raises:
            DeliveryFailed: the log takes no warnings.
        """
        if not _log.isEnabledFor(logging.WARNING):
            raise DeliveryFailed(
                self.name,
                "the log takes no warnings",
                "run without -q, or send to a file with file:///PATH",
            )
        quiet = logging.INFO if _log.isEnabledFor(logging.INFO) else logging.WARNING
        for news, line in log_lines(message, language):
            _log.log(logging.WARNING if news is News.WARNING else quiet, "%s", line)


def check(url: str) -> str | None:
    """What is wrong with a URL; None: nothing."""
    return None if url.lower() in ("log://", "log:///") else "log:// takes nothing behind it"
