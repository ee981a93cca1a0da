"""Where a process runs, so that another on the same machine can tell that it has ended."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def here() -> str | None:
    """This process, as no other one is ever called; None where the system does not tell."""
    return _place(os.getpid())


def has_ended(place: str | None) -> bool:
    """Whether the process that was there has certainly ended; False where that cannot be told."""
    if place is None:
        return False
    try:
        machine, number, _ = place.rsplit("/", 2)
        pid = int(number)
    except ValueError:
        return False
    if machine != _machine():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass  # it is somebody else's, but it is there
    running = _running(pid)
    if running is None:
        # Where processes of others are hidden, nothing can be told of them.
        return False
    state, _ = running
    # One that has ended, and whose parent has not asked yet how, is no more than a number.
    return state == "Z" or _place(pid) != place


def _place(pid: int) -> str | None:
    machine, running = _machine(), _running(pid)
    return None if machine is None or running is None else f"{machine}/{pid}/{running[1]}"


def _running(pid: int) -> tuple[str, str] | None:
    """The state of a process, and when it was started; None where the system does not tell."""
    try:
        # After the name of the program, which may hold anything: the 20th field is its start.
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return fields[0], fields[19]
    except (OSError, IndexError):
        return None


def _machine() -> str | None:
    """This start of this machine, and the container in which a process has its number."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except (OSError, ValueError):
        return None
