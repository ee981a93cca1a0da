"""Log lines on stderr, for people or for machines."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from voicereg.cli.output.text import escaped_json, fitted, printable


def log_to_stderr(level: int, *, as_json: bool) -> None:
    """Send what voicereg logs to stderr.

    Args:
        level: the least that is shown.
        as_json: one JSON object a line, instead of text; also what other libraries warn of, which
            Python would write as it stands.
    """
    handler = _ToStderr()
    handler.setFormatter(_Json() if as_json else _Text("%(levelname)s: %(message)s"))
    if as_json:
        last_resort = _ToStderr(logging.WARNING)
        last_resort.setFormatter(_Json())
        logging.lastResort = last_resort
    logger = logging.getLogger("voicereg")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


class _ToStderr(logging.Handler):
    """Writes to what is stderr at that moment: a progress bar puts itself before it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except Exception:  # noqa: BLE001 - as logging has it: no log line ends the work
            self.handleError(record)


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        lines = printable(super().format(record), keep_lines=True).split("\n")
        return "\n".join(map(fitted, lines))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return escaped_json(json.dumps(line, ensure_ascii=False))
