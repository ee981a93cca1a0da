"""Where clients come in: the listening socket, and the connections that are open."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Any

_BACKLOG = 512  # many clients at once must not find the door shut
_POLL_SECONDS = 0.02  # how long the one who waits here may take to notice a change
_CHUNK_BYTES = 64 * 1024

_LINGER = struct.Struct("ii")
_RESET_WHEN_CLOSED = _LINGER.pack(1, 0)


class Door:
    """A port that can be shut and opened again, and everyone who came in by it.

    While it is shut, the port stays bound, without listening: clients are refused, and
    nobody else is given the port. Only another process that asks for this very port in the
    instant between closing and binding, or that shares addresses, could take it.

    Args:
        host: the address to listen at.
        port: the port, or 0 for a free one.

    Raises:
        OSError: the address cannot be had.
    """

    def __init__(self, host: str, port: int) -> None:
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Reentrant, as a signal's handler may shut the door for good in the thread that waits.
        self._changed = threading.Condition(threading.RLock())
        self._connections: set[socket.socket] = set()
        self._held: set[socket.socket] = set()
        self._closed = False
        self._reserved: socket.socket | None = self._bind((host, port))
        self._listener: socket.socket | None = None
        self._address = self._reserved.getsockname()
        try:
            self.open()
        except OSError:
            self.close()
            raise

    @property
    def address(self) -> Any:
        """Where it is, as the socket module writes addresses."""
        return self._address

    @property
    def port(self) -> int:
        """The port."""
        return int(self._address[1])

    # --- the listening socket -----------------------------------------------------------

    def admit(self) -> tuple[socket.socket, Any] | None:
        """Wait for the next client, however long the door is shut meanwhile.

        Returns:
            Its connection, which is in until ``leave``, and its address; None once the door
            is shut for good.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._listener is not None)
                listener = self._listener
            if listener is None:
                return None
            try:
                connection, address = listener.accept()
            except OSError:  # nobody came, or the door was shut
                continue
            connection.setblocking(True)
            with self._changed:
                if self._listener is listener:
                    self._connections.add(connection)
                    return connection, address
            connection.close()

    def open(self) -> None:
        """Listen, if the door is not shut for good.

        Raises:
            OSError: another process took the port.
        """
        with self._changed:
            if self._closed or self._listener is not None:
                return
            bound = self._reserved or self._bind(self._address)
            self._reserved = bound
            bound.listen(_BACKLOG)
            self._listener, self._reserved = bound, None
            self._changed.notify_all()

    def shut(self) -> None:
        """Refuse all clients from now on, and hang up on those that are in."""
        with self._changed:
            if self._listener is not None:
                self._stop_listening()
                with contextlib.suppress(OSError):  # taken at once: opening it will tell
                    self._reserved = self._bind(self._address)

    def shut_for(self, seconds: float) -> threading.Thread:
        """Shut the door; it opens by itself, unless it is opened, or shut for good, before.

        Returns:
            The thread that opens it, which ends as soon as there is nothing more to wait for.
        """
        with self._changed:
            self.shut()
            reserved = self._reserved

        def reopened() -> bool:
            return self._listener is not None or self._reserved is not reserved

        def reopen() -> None:
            with self._changed:
                if not self._changed.wait_for(reopened, seconds):
                    self.open()

        waiting = threading.Thread(target=reopen, name="sandbox-offline", daemon=True)
        waiting.start()
        return waiting

    def close(self) -> None:
        """Shut the door for good and let go of the port."""
        with self._changed:
            self._closed = True
            if self._listener is not None:
                self._stop_listening()
            else:
                self._hang_up(self._connections)
            if self._reserved is not None:
                self._reserved.close()
                self._reserved = None
            self._changed.notify_all()

    # --- the connections ------------------------------------------------------------------

    def hold(self, connection: socket.socket) -> None:
        """Wait until a client hangs up or is hung up on, and say nothing."""
        with self._changed:
            self._held.add(connection)
            self._changed.notify_all()
        try:
            with contextlib.suppress(OSError):
                while connection.recv(_CHUNK_BYTES):
                    pass
        finally:
            with self._changed:
                self._held.discard(connection)
                self._changed.notify_all()

    def release(self) -> None:
        """Hang up on all who are held."""
        with self._changed:
            self._hang_up(self._held)

    def wait_for_held(self, count: int, seconds: float) -> bool:
        """Wait until so many are held at once; return whether they are."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._held) >= count, seconds)

    def reset(self, connection: socket.socket) -> None:
        """Make a connection end with a reset, not a farewell, when it leaves."""
        with contextlib.suppress(OSError):  # the other side was quicker
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED)

    def leave(self, connection: socket.socket) -> None:
        """Close a connection that is over."""
        with self._changed:
            # First, so that nobody hangs up on a number that is another connection's by then.
            self._connections.discard(connection)
        with contextlib.suppress(OSError):  # the other side was quicker
            if not _is_reset(connection):
                connection.shutdown(socket.SHUT_WR)
        connection.close()

    # --- with the lock held -----------------------------------------------------------------

    def _bind(self, address: Any) -> socket.socket:
        bound = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            # Connections of before, on their way out, must not keep the port from being had.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.settimeout(_POLL_SECONDS)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        return bound

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        assert listener is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(OSError):  # not every system can
            # Ends it at once where somebody waits at it, or a forked process has it, too.
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self._hang_up(self._connections)

    def _hang_up(self, connections: set[socket.socket]) -> None:
        for connection in connections:
            with contextlib.suppress(OSError):  # the other side was quicker
                connection.shutdown(socket.SHUT_RDWR)
        # At once, not when their threads find out: nobody is held any more.
        self._held.difference_update(tuple(connections))


def _is_reset(connection: socket.socket) -> bool:
    option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER.size)
    return bool(_LINGER.unpack(option)[0])
