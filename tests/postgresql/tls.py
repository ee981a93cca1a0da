"""A front that speaks TLS before a server that does not, and certificates for it."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.engine.waiting import LONG

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])
"""How a client of PostgreSQL asks for TLS."""


def make_authority(directory: Path, name: str) -> Path:
    """A certificate that signs others; its key lies beside it."""
    made = directory / f"{name}.crt"
    _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", made.with_suffix(".key"), "-out", made, "-days", "2", "-subj", f"/CN={name}"),
    )
    return made


def make_certificate(directory: Path, authority: Path, host: str) -> Path:
    """The certificate of a host, with its key in the same file."""
    request, made = directory / "server.csr", directory / "server.pem"
    key, names = directory / "server.key", directory / "server.ext"
    names.write_text(f"subjectAltName=DNS:{host}")
    _openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-keyout", key, "-out", request, "-subj", f"/CN={host}"),
    )
    _openssl(
        *(
            "x509",
            "-req",
            "-in",
            request,
            "-CA",
            authority,
            "-CAkey",
            authority.with_suffix(".key"),
        ),
        *("-CAcreateserial", "-out", made, "-days", "2", "-extfile", names),
    )
    made.write_text(made.read_text() + key.read_text())
    return made


def _openssl(*words: object) -> None:
    assert OPENSSL is not None
    subprocess.run([OPENSSL, *map(str, words)], check=True, capture_output=True, timeout=LONG)


@contextmanager
def tls_front(server_port: int, certificate: Path) -> Iterator[int]:
    """Take TLS connections and pass on what comes; yields the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(client: socket.socket) -> None:
            with client, suppress(OSError):
                assert client.recv(8, socket.MSG_WAITALL) == _REQUEST
                client.sendall(b"S")
                with (
                    context.wrap_socket(client, server_side=True) as inside,
                    socket.create_connection(("127.0.0.1", server_port)) as server,
                ):
                    back = threading.Thread(target=_pass_on, args=(server, inside), daemon=True)
                    back.start()
                    _pass_on(inside, server)
                    back.join(LONG)

        def listen() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def _pass_on(giver: socket.socket, taker: socket.socket) -> None:
    with suppress(OSError):
        while data := giver.recv(65_536):
            taker.sendall(data)
    with suppress(OSError):
        taker.shutdown(socket.SHUT_WR)
