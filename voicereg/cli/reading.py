"""Files that a user names to be read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from voicereg.domain.errors import InvalidInput, Problem


@contextmanager
def opened(file: Path, where: str) -> Iterator[BinaryIO]:
    """A file, or stdin for ``-``, open for reading bytes until the block ends.

    Args:
        file: its path.
        where: the option or argument that names it.

    Raises:
        InvalidInput: it cannot be read.
    """
    if file == Path("-"):
        yield sys.stdin.buffer
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise InvalidInput(Problem(where, str(file), error.strerror or str(error))) from error
    with stream:
        yield stream
