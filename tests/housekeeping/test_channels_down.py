"""A channel that is down hears of everything when it is up again, and disturbs no other."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from tests.housekeeping import support
from tests.housekeeping.support import (
    MAIL,
    House,
    all_clear,
    failed_steps,
    keep_house,
    step,
    warning,
)
from tests.notify.support import http_receiver
from tests.registry.rows import COSYVOICE, QWEN, insert_voice
from tests.registry.syncs.support import ONE_DATABASE
from voicereg import State
from voicereg.domain.routes import VoiceRule
from voicereg.housekeeping import round as rounds
from voicereg.notify import open_channel
from voicereg.settings import ChannelSettings
from voicereg.tables import events, messages
from voicereg.tables import rounds as rounds_table

DAY = timedelta(days=1)
sandbox = support.sandbox
house = support.house


def _http(url: str) -> ChannelSettings:
    return ChannelSettings(name="pager", url=url, rule=VoiceRule())


def test_a_file_that_cannot_be_written_for_three_rounds_is_told_everything_once(
    house: House,
) -> None:
    pager = support.file_channel(house.directory / "not there yet" / "pager.jsonl")
    registry = house.open(house.settings(pager, MAIL))
    house.voice("anna", 30.5)
    house.voice("bert", 7.5)
    carl = house.voice("carl", 13.5)

    done = keep_house(registry)
    assert not done.ok
    assert failed_steps(done) == [("deliver", None)]
    why = f"channel pager did not take the message: {house.directory}/not there yet/pager.jsonl"
    assert (step(done, "deliver").error or "").startswith(why)
    assert house.told_last() == [warning("bert", 14), warning("carl", 14), warning("anna", 60)]

    house.clock.advance(DAY)
    registry.record_use(carl)
    registry.flush()
    keep_house(registry)
    assert house.told_last() == [warning("bert", 7), warning("anna", 30), all_clear("carl")]

    house.clock.advance(DAY)
    keep_house(registry)
    assert house.told_last() == []

    (house.directory / "not there yet").mkdir()
    house.clock.advance(DAY / 4)
    done = keep_house(registry)
    assert done.ok
    assert house.told_last() == []
    house.directory = house.directory / "not there yet"
    # The tightest marks alone, and no word of the one of which it never heard.
    assert house.told_last("pager") == [warning("bert", 7), warning("anna", 30)]

    keep_house(registry)
    assert house.told_last("pager") == []
    first, second, third, last = house.outcomes("pager")
    assert first == second == third
    assert first[0] == "failed"
    assert (first[1] or "").startswith(why)
    assert last == ("sent", None)
    assert [outcome for outcome, _ in house.outcomes(MAIL)] == ["sent", "sent"]
    assert [row["ok"] for row in house.rows(rounds_table)] == [False, False, False, True, True]


@ONE_DATABASE
def test_an_http_service_that_fails_is_told_everything_once_and_its_secrets_nowhere(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house.voice("anna", 6.5)
    with http_receiver(500) as received:
        url = f"json://pager:secret-word@127.0.0.1:{received.port}/secret-path/"
        registry = house.open(house.settings(_http(url), MAIL))
        failed = []
        for _ in range(3):
            failed.append(keep_house(registry))
            house.clock.advance(timedelta(hours=6))
        assert len(received.bodies) == 3
        received.status = 200
        received.bodies.clear()
        done = keep_house(registry)
        again = keep_house(registry)

    assert [outcome for outcome, _ in house.outcomes("pager")] == ["failed"] * 3 + ["sent"]
    (body,) = received.bodies
    assert "anna" in body["message"]
    assert house.told_last() == [warning("anna", 7)]
    assert done.ok
    assert again.messages == ()
    for one in failed:
        assert [delivery.message.channel for delivery in one.messages if delivery.error] == [
            "pager"
        ]
        assert "500" in (step(one, "deliver").error or "")
    everything = [failed, house.rows(messages), house.rows(events), caplog.text]
    everything.append(house.step_state("deliver"))
    assert "secret" not in repr(everything)


@ONE_DATABASE
def test_a_channel_whose_variable_is_not_set_is_told_when_it_is(house: House) -> None:
    house.voice("anna", 6.5)
    pager = ChannelSettings(name="pager", url="env:PAGER_URL", rule=VoiceRule())
    registry = house.open(house.settings(pager, MAIL))

    done = keep_house(registry)
    assert failed_steps(done) == [("deliver", None)]
    assert step(done, "deliver").error == (
        "channel pager did not take the message: the environment variable PAGER_URL is not set; "
        "set PAGER_URL to the channel's URL"
    )
    assert house.told_last() == [warning("anna", 7)]

    done = keep_house(registry, environment={"PAGER_URL": f"file://{house.path('pager')}"})
    assert done.ok
    assert house.told_last("pager") == [warning("anna", 7)]
    assert house.told_last() == []


@ONE_DATABASE
def test_a_channel_with_a_fault_of_its_own_disturbs_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And as nobody knows how far it came, it is told once more, and that it may be a repeat."""
    house.voice("anna", 6.5)
    registry = house.open(house.settings("pager", MAIL))
    is_broken = True

    class Broken:
        def send(self, message: Any, language: Any) -> None:
            raise RuntimeError("secret")

    def opened(name: str, url: str, **options: Any) -> Any:
        broken = is_broken and name == "pager"
        return Broken() if broken else open_channel(name, url, **options)

    monkeypatch.setattr(rounds, "open_channel", opened)
    done = keep_house(registry)
    assert failed_steps(done) == [("deliver", None)]
    error = step(done, "deliver").error or ""
    assert "pager" in error
    assert "internal error: RuntimeError" in error
    assert "secret" not in error
    assert house.told_last() == [warning("anna", 7)]

    is_broken = False
    house.clock.advance(DAY / 4)
    assert keep_house(registry).ok
    assert house.told_last("pager") == [warning("anna", 7, maybe_repeat=True)]
    assert house.told_last() == []
    assert [outcome for outcome, _ in house.outcomes("pager")] == ["unknown", "sent"]


def test_a_channel_that_is_added_later_hears_of_everything_once(house: House) -> None:
    house.voice("anna", 6.5)
    insert_voice(house.url, name="lost", state=State.LOST, gone_at=house.clock.now())
    support.set_limits(house, qwen=1)
    keep_house(house.open())
    house.told_last()

    house.clock.advance(DAY * 4)
    registry = house.open(house.settings(MAIL, "chat"))
    keep_house(registry)
    assert set(house.told_last("chat")) == {
        warning("anna", 3),
        warning("lost", kind="gone"),
        warning(QWEN, kind="quota"),
    }
    assert house.told_last() == [warning("anna", 3)]
    assert keep_house(registry).messages == ()


@ONE_DATABASE
def test_a_channel_that_was_down_when_all_was_well_again_hears_that_later(house: House) -> None:
    anna = house.voice("anna", 6.5)
    pager = support.file_channel(house.directory / "there" / "pager.jsonl")
    (house.directory / "there").mkdir()
    registry = house.open(house.settings(pager))
    keep_house(registry)
    file = house.directory / "there" / "pager.jsonl"
    file.unlink()
    file.mkdir()

    registry.record_use(anna)
    registry.flush()
    for _ in range(2):
        assert failed_steps(keep_house(registry)) == [("deliver", None)]
    file.rmdir()
    keep_house(registry)
    keep_house(registry)

    house.directory = house.directory / "there"
    assert house.told("pager") == [[all_clear("anna")]]
    assert house.ledger() == set()


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def test_a_thousand_old_voices_of_unknown_use_are_one_message(house: House) -> None:
    """Found by the first sync, and made over a year ago: each may go any day."""
    created_at = house.clock.now() - timedelta(days=400)
    for number in range(1000):
        house.sandbox.add_voice(
            family=(QWEN, COSYVOICE)[number % 2],
            origin="designed",
            target_model="qwen3-tts-vd-2026-01-26",
            name=f"old{number}",
            created_at=created_at,
        )
    registry = house.open()

    done = keep_house(registry)

    assert step(done, "sync").counts["imported"] == 1000
    (delivery,) = done.messages
    found = {item.concern.voices[0].voice_id for item in delivery.message.items}
    assert found == {voice.voice_id for voice in house.sandbox.voices()}
    told = house.told_last()
    assert len(told) == 1000
    assert {one.mark for one in told} == {0}
    assert keep_house(registry).messages == ()
    assert len(house.rows(messages)) == 1


@ONE_DATABASE
def test_a_use_of_a_warned_voice_is_one_all_clear_and_arms_its_marks_again(house: House) -> None:
    anna = house.voice("anna", 6.5)
    registry = house.open()
    keep_house(registry)
    assert house.told_last() == [warning("anna", 7)]

    registry.record_use(anna)
    registry.flush()
    (delivery,) = keep_house(registry).messages
    assert house.told_last() == [all_clear("anna")]
    (item,) = delivery.message.items
    assert item.concern.deadline_at == house.clock.now() + timedelta(days=365)
    assert keep_house(registry).messages == ()

    for left, mark in ((59.5, 60), (29.5, 30), (6, 7), (6, None), (0, 0), (-10, None)):
        house.clock.moment = house.clock.start + timedelta(days=365 - left)
        keep_house(registry)
        assert house.told_last() == ([] if mark is None else [warning("anna", mark)])
