"""Carrying a conversation over a socket, in WebSocket frames.

One thread does both directions: it goes on listening while there is much to send, so that
neither side waits for the other. The framing is the ``websockets`` library's.
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from voicereg.sandbox.conversations import Closing, Conversation, Outgoing, Said
from voicereg.sandbox.replies import Silence

_CHUNK_BYTES = 64 * 1024
_IN = select.POLLIN | select.POLLPRI
_BROKEN = select.POLLERR | select.POLLHUP | select.POLLNVAL
# What a client answers to by itself, and so tells that it has all that came before.
_PROBE = b"all here?"
_PROBE_SECONDS = 5.0
_FAREWELL_SECONDS = 5.0


class Handshake:
    """The opening of a WebSocket connection.

    Args:
        head: the request, as bytes, up to and with the empty line.
    """

    def __init__(self, head: bytes) -> None:
        self._protocol = ServerProtocol()
        self._protocol.receive_data(head)
        requests = [
            event for event in self._protocol.events_received() if isinstance(event, Request)
        ]
        self._response = self._protocol.accept(requests[0]) if requests else None

    @property
    def refused(self) -> Response | None:
        """The answer to a request that opens no WebSocket connection, or None."""
        if self._response is not None and self._response.status_code == 101:
            return None
        return self._response or self._protocol.reject(400, "This opens no WebSocket.\n")

    def accept(self) -> ServerProtocol:
        """Return the protocol, with the answer to the request waiting to be sent."""
        assert self._response is not None  # noqa: S101 - for the type checker
        self._protocol.send_response(self._response)
        return self._protocol


class Line:
    """One connection, once its handshake is done.

    Args:
        connection: the socket.
        protocol: its WebSocket protocol.
        early: what the client has sent already.
        noted: told of each message that comes.
    """

    def __init__(
        self,
        connection: socket.socket,
        protocol: ServerProtocol,
        early: bytes,
        noted: Callable[[str | bytes], None],
    ) -> None:
        self._connection = connection
        self._protocol = protocol
        self._early = early
        self._noted = noted
        self._messages: deque[str | bytes] = deque()
        self._parts: list[bytes] = []
        self._is_text = True
        self._unsent = b""
        self._probe_answered = False
        self._parted = False

    def carry(self, conversation: Conversation) -> Silence | None:
        """Let a client and a conversation talk until one of them ends it.

        Returns:
            How the connection shall end without a word; None where it is over.

        Raises:
            OSError: the connection broke.
        """
        self._connection.setblocking(False)
        try:
            if self._early:
                self._take(self._early)
            return self._talk(conversation)
        finally:
            self._connection.setblocking(True)

    def _talk(self, conversation: Conversation) -> Silence | None:
        answer: Iterator[Outgoing] | None = conversation.begin()
        while self._flush():
            if self._protocol.state is not OPEN:
                self._part()
                return None
            if answer is None and self._messages:
                answer = conversation.hear(self._messages.popleft())
            said = next(answer, None) if answer is not None else None
            if said is None:
                answer = None
                if not self._messages and not self._wait():
                    return None
            elif isinstance(said, Silence):
                return said if said is Silence.HOLD or self._probe() else None
            else:
                self._say(said)
        return None

    def _say(self, said: Said | Closing) -> None:
        if isinstance(said, Closing):
            self._protocol.send_close(said.code, said.reason)
        elif isinstance(said.content, bytes):
            self._protocol.send_binary(said.content)
        elif isinstance(said.content, str):
            self._protocol.send_text(said.content.encode())
        else:
            self._protocol.send_text(_json(said.content))

    def _probe(self) -> bool:
        """Wait until the client has all there was; return whether it is still there."""
        self._protocol.send_ping(_PROBE)
        until = time.monotonic() + _PROBE_SECONDS
        while self._flush():
            if self._probe_answered or not self._wait(until):
                return True
        return False

    def _part(self) -> None:
        """Wait for the client to part, too."""
        until = time.monotonic() + _FAREWELL_SECONDS
        while self._flush() and not self._parted and self._wait(until):
            pass

    # --- the socket -----------------------------------------------------------------------

    def _flush(self) -> bool:
        """Send all that is to be sent, and listen meanwhile; return whether it could be."""
        while True:
            for piece in self._protocol.data_to_send():
                self._unsent += piece
                self._parted |= not piece  # which stands for the end
            if not self._unsent:
                return True
            if not self._wait():
                return False

    def _wait(self, until: float | None = None) -> bool:
        """Wait until something could be received or sent; return whether there will be more."""
        poll = select.poll()
        poll.register(self._connection, _IN | (select.POLLOUT if self._unsent else 0))
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000
        events = [event for _, event in poll.poll(timeout)]
        if not events:
            return False
        if events[0] & (_IN | _BROKEN):
            data = self._connection.recv(_CHUNK_BYTES)
            if not data:
                return False
            self._take(data)
        if events[0] & select.POLLOUT and self._unsent:
            self._unsent = self._unsent[self._connection.send(self._unsent) :]
        return True

    def _take(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if not isinstance(event, Frame):
                continue
            if event.opcode is Opcode.PONG:
                self._probe_answered |= bytes(event.data) == _PROBE
            elif event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._put_together(event)

    def _put_together(self, frame: Frame) -> None:
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._parts.append(bytes(frame.data))
        if not frame.fin:
            return
        whole, self._parts = b"".join(self._parts), []
        message: str | bytes = whole
        if self._is_text:
            try:
                message = whole.decode()
            except UnicodeDecodeError:
                self._protocol.fail(CloseCode.INVALID_DATA, "this is no UTF-8")
                return
        self._noted(message)
        self._messages.append(message)


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace")
