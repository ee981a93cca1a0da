"""The file of a SQLite registry, and where it lies."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from voicereg.doctor.findings import Finding, ok, skipped, warning, wrong
from voicereg.doctor.reading import holds_nothing
from voicereg.doctor.subject import Subject

MOUNTS = Path("/proc/mounts")
"""Where Linux tells what is mounted; not there on other systems."""
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|afs|ceph|lustre|9p|davfs"
    r"|fuse\.(sshfs|rclone|s3fs|glusterfs|smbnetfs|davfs2?)"
)
_LEAST_FREE_BYTES = 100_000_000


def check(subject: Subject) -> Iterator[Finding]:
    """Whether the file can be written, by nobody else, with room, on a disk of this machine."""
    path = subject.sqlite_path
    if path is None:
        yield skipped("database.file", "the database is no SQLite file")
        return
    try:
        directory = _nearest(path.absolute().parent)
        if path.exists() and not path.is_file():
            yield wrong(
                "database.file", f"{path} is not a regular file", "give another with --database"
            )
        elif holds_nothing(path):
            yield _to_be_made(path, directory)
        else:
            yield from _there(path)
    except OSError as error:
        # Not even whether it is there can be told.
        yield wrong(
            "database.file",
            f"{path} cannot be looked at: {error.strerror or type(error).__name__}",
            f"make {path.absolute().parent} readable for the user who runs voicereg",
        )
        return
    yield _mount(directory)
    yield _room(directory)


def _to_be_made(path: Path, directory: Path) -> Finding:
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        return wrong(
            "database.file",
            f"{path} is not there, and cannot be made: {directory} is not writable",
            f"make {directory} a directory that you can write to, or give another --database",
        )
    return ok("database.file", f"{path} is not there yet: it will be made at first use")


def _there(path: Path) -> Iterator[Finding]:
    directory = path.absolute().parent
    beside = [path.with_name(path.name + ending) for ending in ("", "-wal", "-shm")]
    locked = [file for file in beside if file.exists() and not os.access(file, os.R_OK | os.W_OK)]
    if locked:
        names = " and ".join(map(str, locked))
        mend = f"give them to the user who runs voicereg: chown USER {directory / path.name}*"
        yield wrong("database.file", f"{names} cannot be read and written by you", mend)
    elif not os.access(directory, os.W_OK | os.X_OK):
        what = f"{directory} is not writable, and SQLite makes files beside the database"
        yield wrong("database.file", what, f"make it writable: chmod u+wx {directory}")
    else:
        yield ok("database.file", f"{path} can be read and written")
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        what = f"others have access to {path} (mode {mode:03o})"
        yield warning("database.mode", what, f"chmod 600 {path}")
    else:
        yield ok("database.mode", "only its owner has access to the file")


def _mount(directory: Path) -> Finding:
    kind = _file_system(directory)
    if kind is None or not _NETWORK.fullmatch(kind):
        return ok("database.mount", "no network file system is known to hold it")
    return warning(
        "database.mount",
        f"{directory} is on a network file system ({kind}): SQLite's WAL mode and its locks do "
        "not work there",
        "put the file on a disk of this machine; many hosts share a PostgreSQL database",
    )


def _file_system(directory: Path) -> str | None:
    """The kind of file system that a directory is on; None: that is not told."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        place = directory.resolve()
    except OSError:
        return None
    found: tuple[int, str] | None = None
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        mounted = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1]))
        # The deepest one holds it; of two on one place, the later.
        if place.is_relative_to(mounted) and (found is None or len(mounted.parts) >= found[0]):
            found = len(mounted.parts), fields[2]
    return None if found is None else found[1]


def _room(directory: Path) -> Finding:
    free = shutil.disk_usage(directory).free
    shown = f"{free // 1_000_000:,} MB free in {directory}"
    if free >= _LEAST_FREE_BYTES:
        return ok("database.disk", shown)
    return warning(
        "database.disk",
        f"only {shown}",
        "make room: on a full disk no voice can be recorded, and none is then made",
    )


def _nearest(directory: Path) -> Path:
    """The directory, or the nearest one above it that is there."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    return directory
