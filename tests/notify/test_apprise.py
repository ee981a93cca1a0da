"""Messages by mail and chat, to real servers on loopback."""

from __future__ import annotations

import logging
import socket
import sys
import threading
import traceback

import pytest

from tests.notify.support import (
    Mailbox,
    Received,
    all_clear,
    everything,
    http_receiver,
    many,
    message,
    near,
    parts_of,
    smtp_server,
)
from voicereg.domain.errors import DeliveryFailed
from voicereg.domain.messages import Language, Message
from voicereg.notify import check_url, open_channel, render

HOOK = "a" * 20 + "bcdef1"
HOSTILE = "<b>x</b> [click](http://evil.example) @everyone\n# h"


def send(url: str, told: Message, language: Language = Language.ENGLISH) -> None:
    open_channel("studio", url, environment={}).send(told, language)


def failing(url: str) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        send(url, message(near(3)))
    return caught.value


@pytest.fixture(scope="module", autouse=True)
def _apprise_loaded() -> None:
    """Load Apprise once, for it takes longer than any one of these tests."""
    check_url("json://127.0.0.1")


@pytest.mark.parametrize("language", Language)
def test_a_mail_has_the_message_as_text_and_as_html(language: Language) -> None:
    mailbox = Mailbox()
    told = message(*everything())
    with smtp_server(mailbox) as port:
        send(f"mailto://127.0.0.1:{port}?from=a@mail.example&to=b@mail.example", told, language)
    (mail,) = mailbox.mails
    from email.header import decode_header, make_header

    rendered = render(told, language)
    assert str(make_header(decode_header(mail["Subject"]))) == rendered.title
    parts = parts_of(mail)
    assert parts["text/html"].replace("\r\n", "\n") == rendered.html
    assert "- calm-2 (v-2)" in parts["text/plain"]
    assert "voicereg -a studio edit v-2 --pin" in parts["text/plain"]


def test_a_name_in_a_mail_is_no_html() -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        url = f"mailto://127.0.0.1:{port}?from=a@mail.example&to=b@mail.example"
        send(url, message(near(3, name=HOSTILE)))
    html = parts_of(mailbox.mails[0])["text/html"]
    assert "＜b＞x＜/b＞ ［click］" in html
    assert html.count("<b>") == 1  # around the name
    assert "http://" not in html


def test_a_mail_may_be_plain_text() -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        url = f"mailto://127.0.0.1:{port}?from=a@mail.example&to=b@mail.example&format=text"
        send(url, message(near(3)))
    (mail,) = mailbox.mails
    assert mail.get_content_type() == "text/plain"
    text = parts_of(mail)["text/plain"].replace("\r\n", "\n").strip()
    assert text == render(message(near(3)), Language.ENGLISH).text


def test_a_mail_that_is_refused_is_no_delivery() -> None:
    with smtp_server(Mailbox(refusing=True)) as port:
        url = f"mailto://127.0.0.1:{port}?from=a@mail.example&to=b@mail.example"
        error = failing(f"{url}&optional=yes")
    assert error.channel == "studio"
    assert "failed" in error.why


def test_a_receiver_of_json_gets_the_text() -> None:
    told = message(*everything())
    with http_receiver() as received:
        send(f"json://127.0.0.1:{received.port}/path", told)
    (body,) = received.bodies
    rendered = render(told, Language.ENGLISH)
    assert (body["title"], body["message"]) == (rendered.title, rendered.text)
    assert body["type"] == "warning"


def test_good_news_is_of_another_type() -> None:
    with http_receiver() as received:
        send(f"json://127.0.0.1:{received.port}", all_clear())
    assert received.bodies[0]["type"] == "success"


def test_a_chat_gets_markdown_where_its_url_says_so() -> None:
    told = message(near(3, name=HOSTILE))
    with http_receiver() as received:
        send(f"mmost://127.0.0.1:{received.port}/{HOOK}?format=markdown", told)
    assert received.paths == [f"/hooks/{HOOK}"]
    text = received.bodies[0]["text"]
    assert text.endswith(render(told, Language.ENGLISH).markdown)
    assert "**＜b＞x＜/b＞ ［click］(http:／／evil.example) ＠everyone \\# h** (`v-1`)" in text


@pytest.mark.parametrize(
    ("url", "form"),
    [
        (f"slack://{'T' * 9}/{'B' * 9}/{'c' * 24}/", "markdown"),
        (f"discord://{'1' * 18}/{'c' * 30}", "markdown"),
        (f"dingtalk://{'c' * 20}", "markdown"),
        (f"discord://{'1' * 18}/{'c' * 30}?format=text", "text"),
        (f"tgram://123456789:{'c' * 20}/12345", "html"),
        (f"feishu://{'c' * 20}", "text"),
        ("mailto://user:password@mail.example", "html"),
        ("json://127.0.0.1", "text"),
    ],
)
def test_a_service_gets_the_form_that_it_shows_best(url: str, form: str) -> None:
    from voicereg.notify import apprise_channel

    service = apprise_channel._service(url)
    assert service is not None
    assert apprise_channel._form(service).value == form


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("url", "room"),
    [(f"discord://{'1' * 18}/{'c' * 30}", 2000), (f"wecombot://{'c' * 36}", 2048)],
)
def test_a_service_with_little_room_gets_a_shorter_message(
    url: str, room: int, language: Language
) -> None:
    from voicereg.notify import apprise_channel

    service = apprise_channel._service(url)
    assert service is not None
    form = apprise_channel._form(service)
    fits = apprise_channel._room(service, form)
    rendered = render(message(*many(500), *everything()), language, fits=fits)
    body = apprise_channel._body(rendered, form)
    assert len(body.encode() if url.startswith("wecombot") else body) <= room


def test_a_message_is_never_sent_in_pieces() -> None:
    from voicereg.notify import apprise_channel

    service = apprise_channel._service(f"discord://{'1' * 18}/{'c' * 30}")
    split = apprise_channel._service(f"discord://{'1' * 18}/{'c' * 30}?overflow=split")
    assert service is not None
    assert split is not None
    assert (service.overflow_mode.value, split.overflow_mode.value) == ("truncate", "split")


@pytest.mark.parametrize("status", [401, 404, 500])
def test_an_answer_that_refuses_is_no_delivery(status: int) -> None:
    with http_receiver(status) as received:
        error = failing(f"json://127.0.0.1:{received.port}/path")
    assert str(status) in error.why or "Unauthorized" in error.why


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@pytest.mark.parametrize("scheme", ["json", "mailto"])
def test_a_server_that_is_down_is_told(scheme: str) -> None:
    url = f"{scheme}://127.0.0.1:{closed_port()}?from=a@mail.example&to=b@mail.example"
    assert "127.0.0.1" in failing(url).why


def test_a_server_that_never_answers_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert "127.0.0.1" in failing(f"json://127.0.0.1:{port}?rto=0.1&cto=0.1").why


def test_a_server_that_answers_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from voicereg.notify import apprise_channel

    monkeypatch.setattr(apprise_channel, "TIMEOUT_SECONDS", 0.1)
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as slow:
        connections: list[socket.socket] = []

        def accept() -> None:
            connections.append(slow.accept()[0])
            done.wait(20)

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            error = failing(f"json://127.0.0.1:{slow.getsockname()[1]}?rto=30")
        finally:
            done.set()
            accepting.join()
            for connection in connections:
                connection.close()
    assert error.why


@pytest.mark.parametrize("parts", [("sec ret/pä:ss", "tok&en=value", "query+value")])
def test_no_secret_of_a_url_is_ever_seen(
    parts: tuple[str, ...], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    from urllib.parse import quote

    password, path, value = (quote(part, safe="") for part in parts)
    root_seen = caplog.at_level(1)
    with root_seen, http_receiver(500) as received:
        errors = [
            failing(f"{scheme}://robot:{password}@127.0.0.1:{port}/{path}?key={value}")
            for scheme in ("json", "jsons", "mailto", "rocket", "mmost", "ntfy", "nonsense")
            for port in (received.port, closed_port())
        ]
    told = caplog.text + "".join(capfd.readouterr())
    for error in errors:
        told += f"{error} {error!r} {error.__dict__} {error.advice}"
        told += "".join(traceback.format_exception(error))
        assert error.__cause__ is None
        assert error.__context__ is None
    for secret in (*parts, password, path, value, "robot"):
        assert secret not in told


def test_others_that_use_the_same_loggers_are_heard(caplog: pytest.LogCaptureFixture) -> None:
    failing("json://127.0.0.1:1")
    logging.getLogger("apprise").warning("somebody else")
    assert caplog.messages == ["somebody else"]


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    error = failing("json://127.0.0.1")
    assert error.why == "the package apprise is not installed"
    assert error.advice == "pip install 'voicereg[notify]'"
    assert "pip install" in (check_url("json://127.0.0.1") or "")


def test_an_error_of_a_service_is_a_failed_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    import apprise

    def broken(*given: object, **named: object) -> None:
        raise RuntimeError("broken at json://127.0.0.1/hidden-path")

    monkeypatch.setattr(apprise.Apprise, "notify", broken)
    error = failing("json://127.0.0.1/hidden-path")
    assert "RuntimeError: broken" in error.why
    assert "hidden-path" not in error.why


def test_the_domain_and_the_other_channels_need_no_apprise() -> None:
    import subprocess

    program = (
        "import sys; from voicereg.notify import open_channel; "
        "open_channel('c', 'log://', environment={}); "
        "open_channel('c', 'json://x', environment={}); "
        "sys.exit('apprise' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_receiver_is_asked_once() -> None:
    with http_receiver() as received:
        send(f"json://127.0.0.1:{received.port}", message(*many(1000)))
    assert isinstance(received, Received)
    assert len(received.bodies) == 1
