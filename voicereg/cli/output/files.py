"""Files that a user asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from voicereg.domain.errors import InvalidInput, Problem


def check_writable(path: Path) -> None:
    """Make sure that a file can be written at ``path``, before anything is done for it.

    Raises:
        InvalidInput: it cannot.
    """
    directory = path.parent
    why = None
    if path.is_dir():
        why = "it is a directory"
    elif path.exists() and not path.is_file():
        why = None if os.access(path, os.W_OK) else "it is not writable"  # a pipe or a device
    elif not directory.is_dir():
        why = f"there is no directory {directory}"
    elif not os.access(directory, os.W_OK):
        why = f"the directory {directory} is not writable"
    if why:
        raise InvalidInput(Problem("file", str(path), why))


def write_file(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        InvalidInput: it cannot be written; an earlier file of that name is as it was.
    """
    _write(path, [data])


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a file of text, whole or not at all, with little of it in memory.

    Raises:
        InvalidInput: it cannot be written; an earlier file of that name is as it was.
    """
    _write(path, (line.encode() for line in lines))


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    from voicereg.registry.whole_files import whole_file

    check_writable(path)
    try:
        with whole_file(path) as stream:
            for piece in pieces:
                stream.write(piece)
    except OSError as error:
        raise InvalidInput(Problem("file", str(path), error.strerror or str(error))) from error
