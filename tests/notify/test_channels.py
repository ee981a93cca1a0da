"""Which channel a URL stands for, and what of it may be seen."""

from __future__ import annotations

import pytest

from tests.notify.support import message, near
from voicereg.domain.errors import DeliveryFailed
from voicereg.domain.messages import Language
from voicereg.notify import check_url, open_channel, shown_url
from voicereg.notify.json_file import JsonFileChannel
from voicereg.notify.log import LogChannel

TOKEN = "not-a-real-token-0123456789"


def test_a_url_stands_for_a_channel() -> None:
    assert isinstance(open_channel("c", "log://", environment={}), LogChannel)
    assert isinstance(open_channel("c", "FILE:///tmp/x", environment={}), JsonFileChannel)


def test_a_url_may_be_in_a_variable() -> None:
    channel = open_channel("c", "env:MAIL", environment={"MAIL": " log://\n"})
    assert isinstance(channel, LogChannel)


@pytest.mark.parametrize("environment", [{}, {"MAIL": ""}, {"MAIL": "  "}])
def test_a_variable_that_is_not_set_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(DeliveryFailed, match="variable MAIL is not set") as caught:
        open_channel("studio mail", "env:MAIL", environment=environment)
    assert caught.value.channel == "studio mail"
    assert caught.value.advice == "set MAIL to the channel's URL"


@pytest.mark.parametrize(
    ("url", "environment"),
    [(TOKEN, {}), ("env:MAIL", {"MAIL": TOKEN}), (f"env:{TOKEN}", {}), ("env:", {})],
)
def test_what_is_no_url_is_not_repeated(url: str, environment: dict[str, str]) -> None:
    with pytest.raises(DeliveryFailed) as caught:
        open_channel("c", url, environment=environment)
    assert TOKEN not in f"{caught.value} {caught.value.advice}"


@pytest.mark.parametrize(
    "url",
    [
        "log://",
        "file:///var/lib/voicereg.jsonl",
        "file://~/voicereg.jsonl",
        "env:VOICEREG_MAIL",
        "mailto://user:password@mail.example?to=a@mail.example",
        "json://127.0.0.1:8080/path",
    ],
)
def test_a_good_url_has_nothing_wrong(url: str) -> None:
    assert check_url(url) is None


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("log://x", "takes nothing"),
        ("file://host/path", "three slashes"),
        ("file:///path?x=1", "nothing behind the path"),
        ("file:///", "names no file"),
        ("file://[", "names no file"),
        ("file:///x%00y", "names no file"),
        ("env:NOT-A-NAME", "name of an environment variable"),
        (TOKEN, "it is no URL"),
        (f"nonsense://{TOKEN}", "nonsense:// is neither"),
        (f"json://?{TOKEN}", "cannot use it as a json:// URL"),
        (f"slack://{TOKEN}", "cannot use it as a slack:// URL"),
        (f"json://127.0.0.1/?overflow={TOKEN}", None),
        (f"mailto://{TOKEN}", "cannot use it as a mailto:// URL"),
    ],
)
def test_a_bad_url_is_told_without_its_secrets(url: str, wrong: str | None) -> None:
    told = check_url(url)
    assert told is None if wrong is None else wrong in (told or "")
    assert TOKEN not in (told or "")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("log://", "log://"),
        ("file:///var/x.jsonl", "file:///var/x.jsonl"),
        ("env:MAIL", "env:MAIL"),
        (f"env:{TOKEN}", "env:…"),
        (TOKEN, "…"),
        (f"mailto://user:{TOKEN}@mail.example", "mailto://…"),
        (f"discord://{TOKEN}/{TOKEN}", "discord://…"),
        (f"https://hooks.example/{TOKEN}", "https://…"),
    ],
)
def test_no_more_of_a_url_is_shown_than_anybody_may_see(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_a_channel_shows_no_url() -> None:
    channel = open_channel("c", f"discord://{TOKEN}/{TOKEN}", environment={})
    assert TOKEN not in repr(channel)


def test_an_unknown_scheme_fails_when_sending() -> None:
    channel = open_channel("c", f"nonsense://{TOKEN}", environment={})
    with pytest.raises(DeliveryFailed, match="nonsense:// is neither") as caught:
        channel.send(message(near(3)), Language.ENGLISH)
    assert TOKEN not in str(caught.value)
