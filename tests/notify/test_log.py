"""Messages in the log."""

from __future__ import annotations

import logging

import pytest

from tests.notify.support import all_clear, everything, many, message, near
from voicereg.domain.errors import DeliveryFailed
from voicereg.domain.messages import Language, Message
from voicereg.notify import open_channel

LOGGER = "voicereg.notify"


def send(told: Message, language: Language = Language.ENGLISH) -> None:
    open_channel("log", "log://", environment={}).send(told, language)


def test_each_item_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER):
        send(message(*everything()))
    assert len(caplog.records) == len(everything())
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 8
    assert {record.levelno for record in caplog.records} == {logging.WARNING, logging.INFO}
    assert all(record.getMessage().isprintable() for record in caplog.records)


def test_an_all_clear_is_seen_where_the_log_takes_no_information(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, LOGGER):
        send(all_clear())
    assert len(caplog.records) == 5


def test_of_a_thousand_alike_there_are_ten_lines_and_a_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, LOGGER):
        send(message(*many(1000)), Language.CHINESE)
    assert len(caplog.records) == 11
    assert "990" in caplog.messages[-1]
    assert "随时可能被删除的音色：" in caplog.messages[0]


def test_a_name_with_percent_signs_is_no_format(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER):
        send(message(near(3, name="100 %s %(x)d")))
    assert "100 %s %(x)d" in caplog.messages[0]


def test_a_log_that_takes_no_warnings_has_not_taken_the_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, LOGGER), pytest.raises(DeliveryFailed, match="no warnings"):
        send(message(near(3)))
