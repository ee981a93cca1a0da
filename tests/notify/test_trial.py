"""A message that only tries a channel out."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from tests.notify.support import NOW
from voicereg.domain.messages import Language
from voicereg.notify import open_channel, render
from voicereg.notify.trial import Trial

TRIAL = Trial("m-1", "studio mail", NOW, (), registry="voices on db.internal", host="studio-1")


def test_it_says_so_in_english() -> None:
    rendered = render(TRIAL, Language.ENGLISH)

    assert rendered.title == "voicereg: a test of channel studio mail, nothing is to be done"
    assert rendered.text == (
        "This is a test\n"
        "- channel: studio mail\n"
        "- registry: voices on db.internal\n"
        "- sent: 2026-11-23 09:00 UTC, by voicereg doctor on studio-1\n"
        "Nothing is to be done. Warnings of voices and quotas will come this way."
    )
    assert rendered.markdown == (
        "### This is a test\n\n"
        "- channel: studio mail\n"
        "- registry: voices on db.internal\n"
        "- sent: 2026-11-23 09:00 UTC, by voicereg doctor on studio-1\n\n"
        "Nothing is to be done. Warnings of voices and quotas will come this way."
    )
    assert rendered.html.startswith("<h3>This is a test</h3>\n<ul>\n<li>channel: studio mail</li>")


def test_it_says_so_in_chinese() -> None:
    rendered = render(TRIAL, Language.CHINESE)

    assert rendered.title == "voicereg：通道 studio mail 的测试消息，无需处理"
    assert rendered.text == (
        "这是一条测试消息\n"
        "- 通道：studio mail\n"
        "- 音色登记库：voices on db.internal\n"
        "- 发送时间：2026-11-23 09:00 UTC，由 studio-1 上的 voicereg doctor 发送\n"
        "无需处理。今后有关音色和配额的提醒将通过此通道发送。"
    )
    assert rendered.markdown.startswith("### 这是一条测试消息\n\n- 通道：studio mail\n")


@pytest.mark.parametrize("language", Language)
def test_no_name_in_it_is_acted_upon(language: Language) -> None:
    hostile = "@everyone <b>x</b> [a](http://evil.example) *b*\n# h\x1b[2J"

    rendered = render(replace(TRIAL, channel=hostile, registry=hostile, host=hostile), language)

    for form in (rendered.title, rendered.text, rendered.markdown, rendered.html):
        assert "@everyone" not in form
        assert "<b>" not in form
        assert "http://" not in form
        assert "\x1b" not in form
    assert "\n" not in rendered.title
    assert len(rendered.title) <= 120


def test_a_program_can_tell_it_from_a_warning() -> None:
    told = TRIAL.as_dict()

    assert (told["test"], told["registry"], told["items"]) == (True, "voices on db.internal", [])
    assert told["id"] == "m-1"


@pytest.mark.parametrize("level", [logging.INFO, logging.WARNING])
def test_a_log_shows_it_whatever_it_takes(caplog: pytest.LogCaptureFixture, level: int) -> None:
    with caplog.at_level(level, "voicereg"):
        open_channel("studio", "log://", environment={}).send(TRIAL, Language.ENGLISH)

    (record,) = caplog.records
    assert record.levelno == level
    assert record.getMessage().startswith("This is a test: channel: studio mail; registry: voices")
    assert record.getMessage().endswith("will come this way.")
