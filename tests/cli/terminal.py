"""A terminal of a given width, for what is shown to people only."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios

from tests.cli.support import PROGRAM, Result, environment


def on_terminal(*arguments: str, columns: int = 80, typed: str = "") -> Result:
    """Run the program on a terminal; what it shows, on either stream, is in ``out``."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment() | {"TERM": "xterm-256color"},
            start_new_session=True,
        ) as process:
            os.close(theirs)
            theirs = -1
            os.write(ours, typed.encode())
            shown = _read_to_the_end(ours)
        return Result(process.returncode, shown.decode(), "")
    finally:
        for end in (ours, theirs):
            if end >= 0:
                os.close(end)


def _read_to_the_end(terminal: int) -> bytes:
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other side has gone
            return shown
        if not piece:
            return shown
        shown += piece
