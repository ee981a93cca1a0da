"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from voicereg.domain.errors import InvalidInput, Problem


@contextmanager
def whole_file(given: Path) -> Iterator[IO[bytes]]:
    """A stream to a file, which is moved into place when the block has ended well.

    Where it ends by an exception, what was there before is as it was. A pipe or a device is
    written to, not replaced.

    Raises:
        InvalidInput: nothing can be written there.
    """
    path = given.resolve() if given.is_symlink() else given  # what it points to, not the link
    if path.is_dir():
        raise InvalidInput(Problem("file", str(given), "it is a directory"))
    try:
        if path.exists() and not path.is_file():
            stream: IO[bytes] = path.open("wb")
            made = None
        else:
            new = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed below, before it moves
                dir=path.parent, prefix=".voicereg-", delete=False
            )
            stream, made = new.file, Path(new.name)
    except OSError as error:
        raise InvalidInput(Problem("file", str(given), error.strerror or str(error))) from error
    try:
        with stream:
            yield stream
        if made is not None:
            mask = os.umask(0)
            os.umask(mask)
            made.chmod(0o666 & ~mask)
            made.replace(path)
    except BaseException:
        if made is not None:
            made.unlink(missing_ok=True)
        raise
