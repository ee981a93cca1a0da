"""A file for the textfile collector of Prometheus' node exporter."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from voicereg.domain.errors import InvalidInput, Problem

SUFFIX = ".prom"
"""The node exporter reads files of no other name."""
MODE = 0o644
"""It often runs as another user, whatever the mask of this one is."""


def check_name(path: Path) -> None:
    """Make sure that the node exporter would read a file of that name.

    Raises:
        InvalidInput: it would not.
    """
    if path.suffix != SUFFIX:
        raise InvalidInput(
            Problem("file", str(path), f"it must end in {SUFFIX}: the node exporter reads no other")
        )


def write_textfile(path: Path, exposition: bytes) -> None:
    """Write the file whole or not at all, readable for everybody.

    Args:
        path: where to; its name ends in ``.prom``.
        exposition: the text.

    Raises:
        InvalidInput: it cannot be written there; an earlier file of that name is as it was.
    """
    check_name(path)
    target = path.resolve()  # what a link points to, not the link
    try:
        if target.exists() and not target.is_file():
            raise InvalidInput(Problem("file", str(path), "it is not a regular file"))
        # Beside it, so that moving it replaces it at once; its ending keeps it from being read.
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".voicereg-", suffix=".new")
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(exposition)
                os.fchmod(stream.fileno(), MODE)
            new.replace(target)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InvalidInput(Problem("file", str(path), error.strerror or str(error))) from error
