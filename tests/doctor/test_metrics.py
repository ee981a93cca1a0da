"""Where figures for a monitoring system go."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.doctor.support import Patient
from tests.notify.support import http_receiver
from voicereg import Registry
from voicereg.doctor import metrics
from voicereg.domain.rounds import LEADER_LEASE
from voicereg.metrics.endpoint import Endpoint

LOOKED_AT = ("metrics",)
DAY = timedelta(days=1)


@contextmanager
def scheduler(url: str, *, leads: bool) -> Iterator[int]:
    """A scheduler that serves its figures; its port."""
    with Registry.open(url, actor="eve") as registry:
        if leads:
            registry.leases.take(LEADER_LEASE, timedelta(hours=1))
        with Endpoint(registry, port=0, max_age=DAY) as endpoint:
            yield int(endpoint.url.rpartition(":")[2])


def test_a_port_that_is_free(patient: Patient) -> None:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    patient.write(f"[metrics]\nport = {port}")

    report = patient.examine("--offline")

    assert report.ok("metrics.port").what == f"the scheduler can serve at http://127.0.0.1:{port}"
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


def test_a_port_that_another_program_has(patient: Patient) -> None:
    with http_receiver() as received:
        patient.write(f"[metrics]\nport = {received.port}")
        found = patient.examine("--offline").wrong("metrics.port")

    assert f"another program listens at http://127.0.0.1:{received.port}" in found.what
    assert f"choose another metrics.port in {patient.config}" in (found.advice or "")


def test_a_port_at_which_nobody_says_a_word(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_PATIENCE", metrics._PATIENCE / 20)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        patient.write(f"[metrics]\nport = {silent.getsockname()[1]}")

        found = patient.examine("--offline").wrong("metrics.port")

    assert "another program listens" in found.what


def test_a_port_at_which_a_scheduler_of_this_registry_serves(patient: Patient) -> None:
    """It may be one that stands by, while another leads."""
    with scheduler(patient.url, leads=True) as port:
        patient.write(f"[metrics]\nport = {port}")
        report = patient.examine("--offline")

    assert f"a scheduler serves at http://127.0.0.1:{port}" in report.ok("metrics.port").what
    assert report.loud == []


def test_a_port_at_which_another_registrys_scheduler_serves(patient: Patient) -> None:
    with scheduler(patient.url, leads=False) as port:
        patient.write(f'[metrics]\nport = {port}\naddress = "0.0.0.0"')
        found = patient.examine("--offline").warning("metrics.port")

    assert "it is of another one" in found.what
    assert "choose another metrics.port" in (found.advice or "")


@pytest.mark.parametrize("address", ["192.0.2.1", "no..address", "2001:db8::1"])
def test_an_address_that_is_not_this_machines(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    patient.write(f'[metrics]\nport = 9464\naddress = "{address}"')

    found = patient.examine("--offline").wrong("metrics.port")

    assert "nothing can be served at http://" in found.what
    assert "correct metrics.address or metrics.port" in (found.advice or "")


def test_a_file_that_can_be_written_is_not(patient: Patient, tmp_path: Path) -> None:
    patient.write(f'[metrics]\ntextfile = "{tmp_path}/voicereg.prom"')

    assert patient.examine("--offline").loud == []
    assert not (tmp_path / "voicereg.prom").exists()


@pytest.mark.parametrize(
    ("name", "what", "advice"),
    [
        ("voicereg.txt", "it must end in .prom", "correct metrics.textfile"),
        ("new/voicereg.prom", "there is no directory", "mkdir -p"),
        ("a.prom", "is not a regular file", "correct metrics.textfile"),
        ("loop.prom", "leads nowhere", "correct metrics.textfile"),
    ],
)
def test_a_file_that_cannot_be_written(
    patient: Patient, tmp_path: Path, name: str, what: str, advice: str
) -> None:
    (tmp_path / "a.prom").mkdir()
    (tmp_path / "loop.prom").symlink_to("loop.prom")
    patient.write(f'[metrics]\ntextfile = "{tmp_path / name}"')

    found = patient.examine("--offline").wrong("metrics.textfile")

    assert what in found.what
    assert str(tmp_path / name) in found.what
    assert advice in (found.advice or "")


def test_a_directory_that_is_somebody_elses(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    patient.write(f'[metrics]\ntextfile = "{theirs}/voicereg.prom"')
    access = os.access
    # Root, who may run these tests, may write anywhere.
    monkeypatch.setattr(
        os, "access", lambda path, mode: access(path, mode) and Path(path) != theirs
    )

    found = patient.examine("--offline").wrong("metrics.textfile")

    assert f"{theirs} is not writable" in found.what
    assert f"chown USER {theirs}" in (found.advice or "")
