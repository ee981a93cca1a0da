"""Whatever goes wrong while a voice speaks has a name, and is over soon."""

from __future__ import annotations

import base64
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from voicereg.domain.errors import ProviderProblem
from voicereg.domain.provider_errors import (
    AccessDenied,
    AnswerUnreadable,
    Arrearage,
    ConnectionLost,
    ContentRefused,
    InvalidKey,
    ModelUnknown,
    NotConnected,
    ProviderFault,
    RateLimited,
    VoiceGone,
    VoiceModelMismatch,
)
from voicereg.domain.speech import Manner
from voicereg.sandbox import Sandbox
from voicereg.settings import CONNECT_TRIES, CreateSettings

from .loopback import answer, closed_port, hang_up, hang_up_midway, serving
from .speaking import (
    IMPATIENT,
    MODELS,
    PATIENT,
    client_at,
    hear,
    linked,
    say,
    saying,
    talking,
    task,
)
from .support import KEY, Waits
from .test_secrecy import everything_told_by

EVERY_MANNER = list(Manner)
SOCKETS = [Manner.INFERENCE, Manner.REALTIME]
AUDIO = base64.b64encode(b"\0\1" * 100).decode()
CREATED = {"type": "session.created", "session": {}}
UPDATED = {"type": "session.updated", "session": {}}
DELTA = {"type": "response.audio.delta", "delta": AUDIO}
DONE = {"type": "response.done", "response": {"id": "resp_1"}}
FINISHED = {"type": "session.finished"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(review_time=timedelta(0)) as running:
        for manner in Manner:
            running.add_voice(
                family="cosyvoice" if manner is Manner.INFERENCE else "qwen-tts",
                origin="designed",
                target_model=MODELS[manner],
                name="n",
                prompt="p",
            )
        yield running


class Attempt:
    """One synthesis that goes wrong."""

    def __init__(
        self,
        base_url: str,
        manner: Manner,
        key: str = KEY,
        voice_id: str = "v",
        timeouts: CreateSettings = PATIENT,
    ) -> None:
        self.waits = Waits()
        self.pieces: list[bytes] = []
        self.error: ProviderProblem | None = None
        with client_at(base_url, key=key, waits=self.waits, timeouts=timeouts) as client:
            try:
                client.speak(saying(manner, voice_id=voice_id), self.pieces.append)
            except ProviderProblem as error:
                self.error = error


def attempt_in(sandbox: Sandbox, manner: Manner, timeouts: CreateSettings = PATIENT) -> Attempt:
    voice_id = next(v.voice_id for v in sandbox.voices() if v.target_model == MODELS[manner])
    return Attempt(sandbox.base_url, manner, sandbox.api_key, voice_id, timeouts)


# --- what the sandbox does on request ---------------------------------------------------------

BEFORE: list[tuple[str, tuple[type[ProviderProblem], ...]]] = [
    ("500", (ProviderFault,)),
    ("503", (ProviderFault,)),
    ("html", (AnswerUnreadable,)),
    ("error-200", (ProviderFault,)),
    ("cut-json", (AnswerUnreadable,)),
    ("missing-field", (AnswerUnreadable,)),
    ("wrong-type", (AnswerUnreadable,)),
]


@pytest.mark.parametrize("manner", EVERY_MANNER)
@pytest.mark.parametrize(("kind", "errors"), BEFORE)
def test_before_any_audio(
    sandbox: Sandbox, manner: Manner, kind: str, errors: tuple[type[ProviderProblem], ...]
) -> None:
    sandbox.misbehave("synthesize", kind)

    attempt = attempt_in(sandbox, manner)

    assert isinstance(attempt.error, errors)
    assert attempt.pieces == []
    assert attempt.waits.seconds == []
    assert {voice.uses for voice in sandbox.voices()} == {0}
    assert attempt_in(sandbox, manner).error is None


@pytest.mark.parametrize("manner", SOCKETS)
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", ConnectionLost),
        ("timeout", ConnectionLost),
        ("429", RateLimited),
        ("500", ProviderFault),
        ("error-200", ProviderFault),
        ("html", AnswerUnreadable),
        ("cut-json", AnswerUnreadable),
        ("missing-field", AnswerUnreadable),
        ("wrong-type", AnswerUnreadable),
    ],
)
def test_in_the_middle_of_the_audio(
    sandbox: Sandbox, manner: Manner, kind: str, error: type[ProviderProblem]
) -> None:
    sandbox.misbehave("synthesize", kind, after=True)

    attempt = attempt_in(sandbox, manner, IMPATIENT if kind == "timeout" else PATIENT)

    assert type(attempt.error) is error
    assert attempt.pieces
    # It is not begun anew: audio would come twice.
    assert attempt.waits.seconds == []
    runs = [request for request in sandbox.requests if request.method == "GET"]
    assert len(runs) == 1


def test_http_without_an_answer(sandbox: Sandbox) -> None:
    sandbox.misbehave("synthesize", "timeout")

    attempt = attempt_in(sandbox, Manner.LINK, IMPATIENT)

    assert type(attempt.error) is ConnectionLost
    assert attempt.waits.seconds == []


@pytest.mark.parametrize("manner", SOCKETS)
def test_a_handshake_without_an_answer(sandbox: Sandbox, manner: Manner) -> None:
    sandbox.misbehave("synthesize", "timeout", times=None)
    quick = CreateSettings(connect_timeout=timedelta(milliseconds=100))

    attempt = Attempt(sandbox.base_url, manner, sandbox.api_key, timeouts=quick)

    # Nothing was asked for yet: it is safe to try again.
    assert type(attempt.error) is NotConnected
    assert len(attempt.waits.seconds) == CONNECT_TRIES - 1


@pytest.mark.parametrize("manner", SOCKETS)
def test_a_handshake_that_is_reset(sandbox: Sandbox, manner: Manner) -> None:
    sandbox.misbehave("synthesize", "reset")

    attempt = attempt_in(sandbox, manner)

    assert attempt.error is None or isinstance(attempt.error, ConnectionLost)
    assert sum(voice.uses for voice in sandbox.voices()) == (attempt.error is None)


def test_http_reset_is_not_tried_again(sandbox: Sandbox) -> None:
    sandbox.misbehave("synthesize", "reset")

    attempt = attempt_in(sandbox, Manner.LINK)

    assert type(attempt.error) is ConnectionLost
    assert attempt.waits.seconds == []


@pytest.mark.parametrize("manner", EVERY_MANNER)
def test_too_fast_is_tried_again(sandbox: Sandbox, manner: Manner) -> None:
    sandbox.misbehave("synthesize", "429")
    sandbox.misbehave("synthesize", "429-retry-after")

    attempt = attempt_in(sandbox, manner)

    assert attempt.error is None
    assert attempt.waits.seconds == [0.5, 2.0]
    assert sum(voice.uses for voice in sandbox.voices()) == 1


@pytest.mark.parametrize("manner", EVERY_MANNER)
def test_always_too_fast(sandbox: Sandbox, manner: Manner) -> None:
    sandbox.misbehave("synthesize", "429", times=None)

    attempt = attempt_in(sandbox, manner)

    assert type(attempt.error) is RateLimited
    assert len(attempt.waits.seconds) == CONNECT_TRIES - 1


@pytest.mark.parametrize("manner", EVERY_MANNER)
def test_nobody_listens(manner: Manner) -> None:
    attempt = Attempt(f"http://127.0.0.1:{closed_port()}/api/v1", manner)

    assert type(attempt.error) is NotConnected
    assert len(attempt.waits.seconds) == CONNECT_TRIES - 1


# --- handshakes -------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", SOCKETS)
@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"code": "InvalidApiKey", "message": f"Incorrect key: {KEY}"}, InvalidKey),
        (403, {"code": "AccessDenied.Unpurchased", "message": "no"}, AccessDenied),
        (400, {"code": "Arrearage", "message": "pay"}, Arrearage),
        (404, {"code": "ModelNotFound", "message": "no"}, ModelUnknown),
        (500, {"code": "InternalError", "message": "no"}, ProviderFault),
        (502, "<html>Bad gateway</html>", ProviderFault),
        (200, "<html>Sign in</html>", AnswerUnreadable),
        (404, "<html>Not found</html>", AnswerUnreadable),
        (200, {"output": {}}, AnswerUnreadable),
        (204, "", AnswerUnreadable),
    ],
)
def test_refused_handshakes(
    manner: Manner, status: int, body: object, error: type[ProviderProblem]
) -> None:
    content = (body if isinstance(body, str) else json.dumps(body)).encode()
    with serving(answer(content, status)) as server:
        attempt = Attempt(server.base_url, manner)

    assert type(attempt.error) is error
    assert KEY not in everything_told_by(attempt.error)


@pytest.mark.parametrize("manner", SOCKETS)
@pytest.mark.parametrize("respond", [hang_up, hang_up_midway])
def test_broken_handshakes(manner: Manner, respond: Any) -> None:
    with serving(respond) as server:
        attempt = Attempt(server.base_url, manner)

    assert isinstance(attempt.error, (NotConnected, ConnectionLost, AnswerUnreadable))
    assert KEY not in everything_told_by(attempt.error)


@pytest.mark.parametrize("manner", EVERY_MANNER)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["elsewhere", "here"])
def test_no_redirect_is_followed(manner: Manner, status: int, where: str) -> None:
    def redirect(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        server = elsewhere if where == "elsewhere" else here
        headers = {"Location": f"ws://127.0.0.1:{server.server_port}/api-ws/v1/inference"}
        answer(b"", status, headers)(handler, body)

    with serving(answer(b"{}")) as elsewhere, serving(redirect) as here:
        attempt = Attempt(here.base_url, manner)

        assert type(attempt.error) is AnswerUnreadable
        assert attempt.error.status == status
        assert len(here.received) == 1
        assert elsewhere.received == []


# --- what servers say -------------------------------------------------------------------------

CODES: list[tuple[str, type[ProviderProblem]]] = [
    ("BadRequest.VoiceNotFound", VoiceGone),
    ("BadRequest.VoiceModelMismatch", VoiceModelMismatch),
    ("DataInspectionFailed", ContentRefused),
    ("InvalidApiKey", InvalidKey),
    ("Model.NotExist", ModelUnknown),
    ("InternalError", ProviderFault),
    ("SomethingNew", ProviderFault),
]


@pytest.mark.parametrize(("code", "error"), CODES)
@pytest.mark.parametrize("manner", SOCKETS)
def test_codes_of_events(manner: Manner, code: str, error: type[ProviderProblem]) -> None:
    def talk(connection: ServerConnection) -> None:
        if manner is Manner.INFERENCE:
            hear(connection)
            say(connection, task("task-failed", error_code=code, error_message="why"))
        else:
            say(connection, {"type": "error", "error": {"code": code, "message": "why"}})

    with talking(talk) as server:
        attempt = Attempt(server.base_url, manner)

    assert type(attempt.error) is error
    assert code in str(attempt.error)
    assert "why" in str(attempt.error)


GARBAGE: list[Any] = [
    "",
    "no json",
    "[]",
    "17",
    "null",
    '"text"',
    "{}",
    '{"header": []}',
    "[" * 9999,
]


@pytest.mark.parametrize("message", [*GARBAGE, '{"header": {"event": 5}}', '{"type": 5}'])
@pytest.mark.parametrize("manner", SOCKETS)
def test_garbage(manner: Manner, message: Any) -> None:
    def talk(connection: ServerConnection) -> None:
        if manner is Manner.INFERENCE:
            hear(connection)
        say(connection, message)

    with talking(talk) as server:
        attempt = Attempt(server.base_url, manner)

    assert type(attempt.error) is AnswerUnreadable
    assert attempt.pieces == []


def test_a_text_that_is_no_text() -> None:
    def talk(connection: ServerConnection) -> None:
        hear(connection)
        connection.send(b"\xff\xfe", text=True)

    with talking(talk) as server:
        attempt = Attempt(server.base_url, Manner.INFERENCE)

    assert isinstance(attempt.error, (ConnectionLost, AnswerUnreadable))


def test_a_message_beyond_all_bounds() -> None:
    def talk(connection: ServerConnection) -> None:
        hear(connection)
        say(connection, task("task-started"), bytes(17 * 1024 * 1024))

    with talking(talk, compression=None) as server:
        attempt = Attempt(server.base_url, Manner.INFERENCE)

    assert type(attempt.error) is ConnectionLost
    assert attempt.pieces == []


@pytest.mark.parametrize(
    "messages",
    [
        [b"\0\1"],
        [CREATED, UPDATED, b"\0\1"],
        [CREATED, UPDATED, {"type": "response.audio.delta"}],
        [CREATED, UPDATED, {"type": "response.audio.delta", "delta": 7}],
        [CREATED, UPDATED, {"type": "response.audio.delta", "delta": "no base64!"}],
        [CREATED, UPDATED, DONE, FINISHED],
        [CREATED, UPDATED, {"type": "response.audio.delta", "delta": ""}, DONE, FINISHED],
    ],
)
def test_nonsense_in_realtime(messages: list[Any]) -> None:
    def talk(connection: ServerConnection) -> None:
        say(connection, *messages)
        _until_closed(connection)

    with talking(talk) as server:
        attempt = Attempt(server.base_url, Manner.REALTIME)

    assert type(attempt.error) is AnswerUnreadable
    assert attempt.pieces == []


def test_inference_without_audio() -> None:
    def talk(connection: ServerConnection) -> None:
        hear(connection)
        say(connection, task("task-started"), b"", task("task-finished"))
        _until_closed(connection)

    with talking(talk) as server:
        attempt = Attempt(server.base_url, Manner.INFERENCE)

    assert type(attempt.error) is AnswerUnreadable
    assert "no audio" in str(attempt.error)


@pytest.mark.parametrize("manner", SOCKETS)
@pytest.mark.parametrize("code", [1000, 1007, 1011])
def test_closed_in_the_middle(manner: Manner, code: int) -> None:
    def talk(connection: ServerConnection) -> None:
        if manner is Manner.INFERENCE:
            hear(connection)
            say(connection, task("task-started"), b"\0\1")
        else:
            say(connection, CREATED, UPDATED, DELTA)
        connection.close(code, "enough")

    with talking(talk) as server:
        attempt = Attempt(server.base_url, manner)

    assert type(attempt.error) is ConnectionLost
    assert len(attempt.pieces) <= 1


@pytest.mark.parametrize("manner", SOCKETS)
def test_no_answer_in_time(manner: Manner) -> None:
    with talking(_until_closed) as server:
        attempt = Attempt(server.base_url, manner, timeouts=IMPATIENT)

    assert type(attempt.error) is ConnectionLost
    assert "no answer in time" in str(attempt.error)


def _until_closed(connection: ServerConnection) -> None:
    try:
        for _ in connection:
            pass
    except ConnectionClosed:
        pass


# --- links ------------------------------------------------------------------------------------


def attempt_with(body: object) -> Attempt:
    with serving(answer(json.dumps(body).encode())) as server:
        return Attempt(server.base_url, Manner.LINK)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://files.example/one.wav",
        "data:audio/wav;base64,AAAA",
        "//files.example/one.wav",
        "files.example/one.wav",
        "javascript:alert(1)",
        "http://[::1",
        "https://",
        "http:///one.wav",
        "https://files.example/\x1b[31m",
        "https://files.example/\ud800",
        "http://x\ud800/",
        " http://files.example/one.wav",
        "http://" + "x" * 70_000 + "/",
    ],
)
def test_links_that_are_none(url: str) -> None:
    attempt = attempt_with(linked(url))

    assert type(attempt.error) is AnswerUnreadable
    assert attempt.pieces == []


@pytest.mark.parametrize(
    "body",
    [
        linked(),
        linked(17),
        linked({"a": 1}),
        linked("", ""),
        linked(None, "no base64!"),
        linked(None, 17),
        {"output": {"audio": None}},
        {"output": {"audio": ["u"]}},
        {"output": {}},
        {},
    ],
)
def test_answers_without_audio(body: object) -> None:
    attempt = attempt_with(body)

    assert type(attempt.error) is AnswerUnreadable
    assert attempt.pieces == []


def test_audio_in_the_answer_itself() -> None:
    attempt = attempt_with(linked(None, AUDIO))

    assert attempt.error is None
    assert attempt.pieces == [b"\0\1" * 100]


@pytest.mark.parametrize(
    ("respond", "error"),
    [
        (answer(b"gone", 404), AnswerUnreadable),
        (answer(b"denied", 403), AnswerUnreadable),
        (answer(b"slow down", 429), AnswerUnreadable),
        (answer(b"", 500), AnswerUnreadable),
        (answer(b""), AnswerUnreadable),
        (answer(b"x", headers={"Content-Encoding": "gzip"}), AnswerUnreadable),
        (hang_up, ConnectionLost),
        (hang_up_midway, ConnectionLost),
    ],
)
def test_files_that_cannot_be_had(respond: Any, error: type[ProviderProblem]) -> None:
    with serving(respond) as files:
        attempt = attempt_with(linked(f"http://127.0.0.1:{files.server_port}/one.wav"))

        assert type(attempt.error) is error
        assert len(files.received) == 1
        assert attempt.waits.seconds == []


def test_a_file_at_a_place_where_nobody_listens() -> None:
    port = closed_port()
    attempt = attempt_with(linked(f"http://127.0.0.1:{port}/one.wav"))

    assert type(attempt.error) is ConnectionLost
    assert f"127.0.0.1:{port}" in str(attempt.error)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_file_that_has_moved(status: int) -> None:
    with serving(answer(b"RIFF")) as elsewhere:
        location = {"Location": f"http://127.0.0.1:{elsewhere.server_port}/two.wav"}
        with serving(answer(b"", status, location)) as files:
            attempt = attempt_with(linked(f"http://127.0.0.1:{files.server_port}/one.wav"))

        assert type(attempt.error) is AnswerUnreadable
        assert elsewhere.received == []


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicereg.provider.speech.link.LARGEST_AUDIO_BYTES", 1000)
    with serving(answer(bytes(1001))) as files:
        attempt = attempt_with(linked(f"http://127.0.0.1:{files.server_port}/one.wav"))

    assert type(attempt.error) is AnswerUnreadable
    assert "too large" in str(attempt.error)


@pytest.mark.parametrize("manner", SOCKETS)
def test_audio_without_an_end(manner: Manner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voicereg.provider.speech.base.LARGEST_AUDIO_BYTES", 1000)

    def talk(connection: ServerConnection) -> None:
        if manner is Manner.INFERENCE:
            hear(connection)
            say(connection, task("task-started"))
        else:
            say(connection, CREATED, UPDATED)
        try:
            for _ in itertools.count():
                say(connection, bytes(100) if manner is Manner.INFERENCE else DELTA)
        except ConnectionClosed:
            pass

    with talking(talk) as server:
        attempt = Attempt(server.base_url, manner)

    assert type(attempt.error) is AnswerUnreadable
    assert sum(map(len, attempt.pieces)) <= 1000


# --- the key ----------------------------------------------------------------------------------


def test_the_key_is_not_sent_to_the_host_of_the_link(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cookie = {"Set-Cookie": f"session={KEY}; Path=/"}
    with serving(answer(b"RIFF")) as files:
        body = json.dumps(linked(f"http://127.0.0.1:{files.server_port}/one.wav")).encode()
        with serving(answer(body, headers=cookie)) as server:
            attempt = Attempt(server.base_url, Manner.LINK)

        assert attempt.error is None
        ((headers, _),) = files.received
    assert not {"authorization", "cookie", "x-dashscope-workspace"} & set(headers)
    assert KEY not in repr(headers)


def _in_full(manner: Manner) -> Callable[[ServerConnection], None]:
    def talk(connection: ServerConnection) -> None:
        if manner is Manner.INFERENCE:
            hear(connection)
            say(connection, task("task-started"), b"\0\1", task("task-finished"))
        else:
            say(connection, CREATED, UPDATED, DELTA, DONE, FINISHED)
        _until_closed(connection)

    return talk


@pytest.mark.parametrize("manner", SOCKETS)
def test_no_log_record_tells_the_key(manner: Manner, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    quiet = logging.getLogger("tests.quiet")
    quiet.setLevel(logging.CRITICAL)
    with talking(_in_full(manner), logger=quiet) as server:
        attempt = Attempt(server.base_url, manner)
        assert attempt.error is None
        ((_, headers),) = server.opened
    assert headers["authorization"] == f"Bearer {KEY}"
    for record in caplog.records:
        assert KEY not in record.getMessage() + repr(record.__dict__)


@pytest.mark.parametrize("manner", SOCKETS)
def test_an_event_that_repeats_the_key(manner: Manner) -> None:
    said = f"Incorrect API key provided: {KEY}."

    def talk(connection: ServerConnection) -> None:
        if manner is Manner.INFERENCE:
            hear(connection)
            say(connection, task("task-failed", error_code="InvalidApiKey", error_message=said))
        else:
            say(connection, {"type": "error", "error": {"code": "InvalidApiKey", "message": said}})

    with talking(talk) as server:
        attempt = Attempt(server.base_url, manner)

    assert type(attempt.error) is InvalidKey
    assert KEY not in everything_told_by(attempt.error)


@pytest.mark.parametrize("manner", SOCKETS)
def test_no_proxy_is_asked_for_this_machine(
    manner: Manner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with talking(_in_full(manner)) as server:
        assert Attempt(server.base_url, manner).error is None
