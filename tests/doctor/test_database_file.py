"""A SQLite registry that cannot be used, or not safely."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.support import add_voices
from tests.doctor.support import Patient
from tests.schema import frozen
from voicereg.doctor import sqlite_file
from voicereg.doctor.findings import Outcome
from voicereg.schema.revisions import HEAD


@pytest.fixture(autouse=True)
def _schema_not_compared() -> None:
    """Here it is."""


def refuse(monkeypatch: pytest.MonkeyPatch, *paths: Path, right: int = os.W_OK) -> None:
    """Nobody may do that with these files: root, who may do anything, included."""
    access = os.access

    def refused(path: Path, mode: int) -> bool:
        return access(path, mode) and not (mode & right and Path(path) in paths)

    monkeypatch.setattr(os, "access", refused)


def test_a_registry_that_is_still_to_be_made(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a" / "new" / "registry.db"
    monkeypatch.setenv("VOICEREG_DATABASE", str(path))

    report = patient.examine()

    assert "it will be made at first use" in report.ok("database.file").what
    assert "there is no database yet" in report.skipped("database.schema").what
    assert report.loud == []
    assert not path.parent.parent.exists()


def test_an_empty_file_is_set_up_later(patient: Patient) -> None:
    patient.file.write_bytes(b"")

    assert patient.examine().loud == []
    assert patient.file.read_bytes() == b""


def test_a_registry_that_cannot_be_made(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICEREG_DATABASE", str(tmp_path / "new" / "registry.db"))
    refuse(monkeypatch, tmp_path)

    found = patient.examine().wrong("database.file")

    assert f"cannot be made: {tmp_path} is not writable" in found.what
    assert "or give another --database" in (found.advice or "")


def test_a_registry_below_a_file(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VOICEREG_DATABASE", str(tmp_path / "file" / "registry.db"))

    found = patient.examine().wrong("database.file")

    assert f"make {tmp_path / 'file'} a directory" in (found.advice or "")


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_a_file_of_somebody_else(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    """A file beside the database that root has left is the usual one."""
    file = patient.file.with_name(patient.file.name + ending)
    file.touch()
    refuse(monkeypatch, file)

    found = patient.examine().wrong("database.file")

    assert f"{file} cannot be read and written by you" in found.what
    assert f"chown USER {patient.file}*" in (found.advice or "")


def test_a_directory_that_takes_no_files(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, patient.file.parent)

    found = patient.examine().wrong("database.file")

    assert "SQLite makes files beside the database" in found.what
    assert found.advice == f"make it writable: chmod u+wx {patient.file.parent}"


def test_a_directory_that_cannot_be_entered(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = Path.stat

    def refused(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if self == patient.file:
            raise PermissionError(13, "Permission denied", str(self))
        return stat(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", refused)

    report = patient.examine()

    assert "cannot be looked at: Permission denied" in report.wrong("database.file").what
    assert f"make {patient.file.parent} readable" in (report.wrong("database.file").advice or "")
    assert "make the file and its directory readable" in (
        report.wrong("database.reach").advice or ""
    )


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_file_that_others_may_read(patient: Patient, mode: int) -> None:
    patient.file.chmod(mode)

    found = patient.examine().warning("database.mode")

    assert f"(mode {mode:o})" in found.what
    assert found.advice == f"chmod 600 {patient.file}"


def test_a_directory_in_its_place(patient: Patient) -> None:
    patient.file.unlink()
    patient.file.mkdir()

    report = patient.examine()

    assert "is not a regular file" in report.wrong("database.file").what
    assert "give another with --database" in (report.wrong("database.file").advice or "")


def test_a_file_that_is_no_database(patient: Patient) -> None:
    patient.file.write_bytes(b"not a database, " * 100)

    report = patient.examine()

    found = report.wrong("database.reach")
    assert str(patient.file) in found.what
    assert found.advice == "it is not a SQLite file: give another with --database"
    assert "the database cannot be used" in report.skipped("rounds").what


def test_a_damaged_file(patient: Patient) -> None:
    add_voices(patient.url, *(f"voice-{number}" for number in range(300)))
    with closing(sqlite3.connect(patient.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'ix_voices_voice_id'"
        ).fetchone()
    content = bytearray(patient.file.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    start = (root - 1) * page
    content[start : start + 100] = b"\xff" * 100
    patient.file.write_bytes(content)

    found = patient.examine().all("database.sound", Outcome.WRONG)

    assert found
    assert all("damaged" in each.what or "malformed" in each.what for each in found)
    assert all("put a backup in its place" in (each.advice or "") for each in found)


def test_a_damaged_file_of_an_older_version(
    admit: Callable[[str], Patient], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'voicereg.db'}"
    frozen.load(url, "0001")
    patient = admit(url)
    with closing(sqlite3.connect(patient.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'voice_tags'"
        ).fetchone()
    content = bytearray(patient.file.read_bytes())
    page = int.from_bytes(content[16:18], "big")
    content[(root - 1) * page : (root - 1) * page + 100] = b"\xff" * 100
    patient.file.write_bytes(content)

    report = patient.examine()

    assert "the file is damaged" in report.wrong("database.sound").what
    assert "voicereg db upgrade" in (report.wrong("database.schema").advice or "")


@pytest.mark.parametrize(
    ("statement", "problem", "advice"),
    [
        ("DROP INDEX ix_voices_voice_id", "the schema differs", "undo that"),
        ("ALTER TABLE voices ADD COLUMN mood TEXT", "the schema differs", "undo that"),
        (
            "DELETE FROM quota_limits WHERE family = 'cosyvoice'",
            "quota group default lacks a limit",
            "voicereg account edit NAME --limit cosyvoice=N --limit qwen-tts=N",
        ),
        (
            "UPDATE voices SET quota_group_id = 99",
            "counts in another quota group",
            "put a backup in its place, or the old group back",
        ),
        ("UPDATE voices SET account_id = 99", "refers to a missing accounts", "put a backup"),
    ],
)
def test_what_was_changed_by_hand(
    patient: Patient, statement: str, problem: str, advice: str
) -> None:
    add_voices(patient.url, "a")
    with closing(sqlite3.connect(patient.file)) as connection, connection:
        connection.execute(statement)

    found = patient.examine().all("database.sound", Outcome.WRONG)

    (one,) = (each for each in found if problem in each.what)
    assert advice in (one.advice or "")


def test_many_problems_are_counted(patient: Patient) -> None:
    add_voices(patient.url, *"abcdefgh")
    with closing(sqlite3.connect(patient.file)) as connection, connection:
        connection.execute("UPDATE voices SET quota_group_id = 99")

    found = patient.examine().all("database.sound", Outcome.WRONG)

    assert len(found) == 6
    assert "problems more" in found[-1].what
    assert found[-1].advice == "voicereg db check shows them all"


def test_an_older_version(admit: Callable[[str], Patient], tmp_path: Path, released: str) -> None:
    url = f"sqlite:///{tmp_path / 'voicereg.db'}"
    frozen.load(url, released)

    report = admit(url).examine()

    found = report.wrong("database.schema")
    assert f"its schema is {released}, this version of voicereg needs {HEAD}" in found.what
    assert found.advice == "bring it up to date with: voicereg db upgrade"
    assert "the database has another schema" in report.skipped("rounds").what


def test_a_newer_version(patient: Patient) -> None:
    patient.execute("UPDATE alembic_version SET version_num = '9999'")

    found = patient.examine().wrong("database.schema")

    assert "is newer than this program" in found.what
    assert "pip install --upgrade voicereg" in (found.advice or "")


def test_the_database_of_another_program(admit: Callable[[str], Patient], tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE customers (name TEXT)")

    report = admit(f"sqlite:///{path}").examine()

    assert "holds tables that are not voicereg's" in report.wrong("database.schema").what
    assert "with --database" in (report.wrong("database.schema").advice or "")


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "9p"])
def test_a_network_file_system(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    place = str(tmp_path.resolve()).replace(" ", "\\040")
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/home {place} {kind} rw 0 0\n\n")
    monkeypatch.setattr(sqlite_file, "MOUNTS", mounts)

    found = patient.examine().warning("database.mount")

    assert f"is on a network file system ({kind})" in found.what
    assert "PostgreSQL" in (found.advice or "")


def test_what_is_mounted_elsewhere_does_not_matter(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path.resolve()
    mounts = tmp_path / "mounts"
    mounts.write_text(f"a {place} tmpfs rw 0 0\nb {place}/deeper nfs rw 0 0\nc / nfs rw 0 0\n")
    monkeypatch.setattr(sqlite_file, "MOUNTS", mounts)

    assert patient.examine().loud == []


def test_a_disk_that_is_nearly_full(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=7_900_000))

    found = patient.examine().warning("database.disk")

    assert f"only 7 MB free in {patient.file.parent}" in found.what
    assert "make room" in (found.advice or "")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("sqlite://", "a registry must outlive the program"),
        ("sqlite:///:memory:", "a registry must outlive the program"),
        ("mysql://me:password@db/voicereg", "it must be sqlite:///PATH or postgresql://"),
        ("postgresql://me:pass@word@db/voicereg", "it holds more than one @"),
        ("postgresql+none://db/voicereg", "there is no postgresql+none"),
    ],
)
def test_what_names_no_registry(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, url: str, what: str
) -> None:
    monkeypatch.setenv("VOICEREG_DATABASE", url)

    report = patient.examine()

    assert what in report.wrong("database.reach").what
    assert report.loud == ["database.reach"]
    assert "pass" not in report.wrong("database.reach").what
