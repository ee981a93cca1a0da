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
    return _place(pid) != place


def _place(pid: int) -> str | None:
    machine = _machine()
    try:
        # After the name of the program, which may hold anything: the 20th field is its start.
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        fields = stat.rpartition(")")[2].split()
        started, state = fields[19], fields[0]
    except (OSError, IndexError):
        return None
    # One that has ended, and whose parent has not asked yet how.
    return None if machine is None or state == "Z" else f"{machine}/{pid}/{started}"


def _machine() -> str | None:
    """This start of this machine, and the container in which a process has its number."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink()}"
    except (OSError, ValueError):
        return None
