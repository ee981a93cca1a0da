"""Where figures for a monitoring system go."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from voicereg.doctor.findings import Finding, ok, warning, wrong
from voicereg.doctor.subject import Subject, Unavailable
from voicereg.domain.errors import InvalidInput
from voicereg.domain.rounds import LEADER_LEASE
from voicereg.metrics.textfile import check_name

_PATIENCE = timedelta(seconds=2)
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened at
"""Where to ask what listens on every network."""


def check(subject: Subject) -> Iterator[Finding]:
    """Whether the file can be written, and the port can be had."""
    metrics = subject.whole_settings.metrics
    if metrics.textfile is not None:
        yield _textfile(metrics.textfile, subject)
    if metrics.port is not None:
        yield _port(metrics.address, metrics.port, subject)
    if metrics.textfile is None and metrics.port is None:
        yield ok("metrics", "no figures are asked for")


def _textfile(path: Path, subject: Subject) -> Finding:
    correct = f"correct metrics.textfile in {subject.config_path}"
    try:
        check_name(path)
        target = path.resolve()
    except InvalidInput as error:
        why = "; ".join(problem.rule for problem in error.problems)
        return wrong("metrics.textfile", f"{path}: {why}", correct)
    except (OSError, RuntimeError):  # a link that leads to itself
        return wrong("metrics.textfile", f"{path} leads nowhere", correct)
    directory = target.parent
    if not directory.is_dir():
        what = f"{path} cannot be written: there is no directory {directory}"
        return wrong("metrics.textfile", what, f"mkdir -p {directory}, or {correct}")
    if target.exists() and not target.is_file():
        return wrong("metrics.textfile", f"{path} is not a regular file", correct)
    # It is written beside, and moved there.
    if not os.access(directory, os.W_OK | os.X_OK):
        return wrong(
            "metrics.textfile",
            f"{path} cannot be written: {directory} is not writable",
            f"give it to the user who runs voicereg: chown USER {directory}, or {correct}",
        )
    return ok("metrics.textfile", f"{path} can be written, by the scheduler")


def _port(address: str, port: int, subject: Subject) -> Finding:
    host = f"[{address}]" if ":" in address else address
    where = f"http://{host}:{port}"
    correct = f"correct metrics.address or metrics.port in {subject.config_path}"
    try:
        _listen_shortly(address, port)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) != errno.EADDRINUSE:
            why = getattr(error, "strerror", None) or "that is no address"
            return wrong("metrics.port", f"nothing can be served at {where}: {why}", correct)
    else:
        return ok("metrics.port", f"the scheduler can serve at {where}")
    if not _is_voicereg(address, port):
        return wrong(
            "metrics.port",
            f"another program listens at {where}: the scheduler cannot start",
            f"choose another metrics.port in {subject.config_path}, or end that program",
        )
    if _somebody_leads(subject):
        return ok("metrics.port", f"a scheduler serves at {where}")
    return warning(
        "metrics.port",
        f"a voicereg listens at {where}, and no scheduler of this registry is running: it is of "
        "another one",
        f"choose another metrics.port in {subject.config_path} for one of the two",
    )


def _listen_shortly(address: str, port: int) -> None:
    """Take the port as the scheduler would, and let it go. Raises OSError where that fails."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((address, port))


def _is_voicereg(address: str, port: int) -> bool:
    connection = HTTPConnection(
        _EVERYWHERE.get(address, address), port, timeout=_PATIENCE.total_seconds()
    )
    try:
        connection.request("HEAD", "/healthz")
        return connection.getresponse().getheader("Server") == "voicereg"
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _somebody_leads(subject: Subject) -> bool:
    try:
        return subject.registry.leases.holder(LEADER_LEASE) is not None
    except Unavailable:
        return True  # for all that is known
