"""Voices that are to stay speak a few words before the provider deletes them."""

from __future__ import annotations

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
from tests.registry.rows import COSYVOICE, QWEN
from tests.registry.syncs.support import ONE_DATABASE
from tests.schema import frozen
from voicereg import Registry, State
from voicereg.domain.routes import TagFilter, VoiceRule
from voicereg.registry.keep_alives import KeepAlives
from voicereg.sandbox import Sandbox
from voicereg.settings import KeepAliveSettings
from voicereg.tables import events, voice_uses

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
REALTIME = "qwen3-tts-vd-realtime-2026-01-15"
NEWS = VoiceRule(tag=TagFilter("team", "news"))
sandbox = support.sandbox
house = support.house


def _settings(house: House, **changed: Any) -> Any:
    return house.settings(MAIL, keep_alive=KeepAliveSettings(**changed))


def _spoken(sandbox: Sandbox) -> list[str]:
    """The names of the voices that have spoken, in order of their first words."""
    spoken = [voice for voice in sandbox.voices() if voice.last_used_at]
    return [voice.name for voice in sorted(spoken, key=lambda voice: voice.last_active_at)]


def _ways(sandbox: Sandbox) -> list[str]:
    """How voices were made to speak."""
    return sorted(
        f"{request.method} {request.path.partition('?')[0].rpartition('/')[2]}"
        for request in sandbox.requests
        if request.method != "MESSAGE" and not request.path.endswith("/customization")
    )


def _failed(what: str, **more: Any) -> support.Said:
    return warning(what, kind="keep_alive", **more)


def test_each_speaks_over_the_transport_of_its_own_model(house: House) -> None:
    cosy = house.voice("cosy", 20, family=COSYVOICE, pinned=True)
    http = house.voice("http", 5, pinned=True)
    live = house.voice("live", 29, target_model=REALTIME)
    far = house.voice("far", 31, pinned=True)
    house.voice("idle", 20)
    registry = house.open(_settings(house, rules=(NEWS,)))
    registry.edit(live, tags={"team": "news"})
    before = {voice: registry.voice(voice).deadline_at for voice in (cosy, http, live, far)}

    done = keep_house(registry)

    assert done.ok
    assert step(done, "keep_alive").counts == {"due": 3, "kept": 3, "failed": 0, "left_out": 0}
    assert _ways(house.sandbox) == ["GET inference", "GET realtime", "POST generation"]
    assert sorted(_spoken(house.sandbox)) == ["cosy", "http", "live"]
    now = house.clock.now()
    for kept in (cosy, http, live):
        voice = registry.voice(kept)
        assert voice.deadline_at == now + YEAR
        assert voice.last_used_source == "keep-alive"
        assert [(one.source, one.uses) for one in registry.daily_uses(kept)] == [("keep-alive", 1)]
        (event,) = (one for one in registry.events(voice=kept) if "keep" in one.action)
        assert event.action == "voice.keep-alive"
        assert event.actor == "tester"
        assert set(event.before) == set(event.after) == {"deadline_at"}
        assert event.before["deadline_at"] == before[kept].strftime("%Y-%m-%dT%H:%M:%SZ")
        assert event.after["deadline_at"] == voice.deadline_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert (event.reason or "").startswith("request ")
    assert registry.voice(far).deadline_at == before[far]
    assert registry.daily_uses(far) == []
    assert house.told_last() == [warning("idle", 30)]

    assert step(keep_house(registry), "keep_alive").counts["due"] == 0
    assert house.told_last() == []


@ONE_DATABASE
def test_without_rules_only_pinned_voices_are_kept_alive(house: House) -> None:
    house.voice("idle", 5)
    registry = house.open()
    assert registry.settings.keep_alive == KeepAliveSettings()
    assert registry.settings.keep_alive.rules == ()
    keep_house(registry)
    assert _spoken(house.sandbox) == []
    assert house.told_last() == [warning("idle", 7)]


@ONE_DATABASE
def test_each_voice_says_hello_in_its_own_language(house: House) -> None:
    house.voice("english", 5, family=QWEN, pinned=True)
    house.voice("chinese", 6, family=QWEN, pinned=True, preview_text="各位听众，大家好。")
    keep_house(house.open())
    assert [
        request.body["input"]["text"]
        for request in house.sandbox.requests
        if request.path.endswith("/generation")
    ] == ["Hello.", "你好。"]


def test_so_many_a_day_the_nearest_first_and_the_others_are_warned_of(house: House) -> None:
    for number, left in enumerate((25, 5, 15, 10, 20)):
        house.voice(f"voice{number}", left + 0.5, pinned=True)
    registry = house.open(_settings(house, daily_limit=2))

    done = keep_house(registry)
    assert step(done, "keep_alive").counts == {"due": 5, "kept": 2, "failed": 0, "left_out": 3}
    assert _spoken(house.sandbox) == ["voice1", "voice3"]
    left_out = [warning("voice2", 30), warning("voice4", 30), warning("voice0", 30)]
    assert house.told_last() == left_out

    house.clock.advance(timedelta(hours=14, minutes=59))
    done = keep_house(registry)
    assert house.clock.now().hour == 23
    assert step(done, "keep_alive").counts["kept"] == 0
    assert house.told_last() == []

    house.clock.advance(timedelta(minutes=1))
    keep_house(registry)
    assert _spoken(house.sandbox) == ["voice1", "voice3", "voice2", "voice4"]
    assert house.told_last() == [all_clear("voice2"), all_clear("voice4")]

    house.clock.advance(DAY)
    keep_house(registry)
    assert _spoken(house.sandbox) == ["voice1", "voice3", "voice2", "voice4", "voice0"]
    assert house.told_last() == [all_clear("voice0")]
    assert house.ledger() == set()


@ONE_DATABASE
def test_with_a_limit_of_none_all_are_warned_of(house: House) -> None:
    house.voice("near", 5, pinned=True)
    house.voice("far", 45, pinned=True)
    done = keep_house(house.open(_settings(house, daily_limit=0)))
    assert step(done, "keep_alive").counts == {"due": 1, "kept": 0, "failed": 0, "left_out": 1}
    assert _spoken(house.sandbox) == []
    assert house.told_last() == [warning("near", 7), warning("far", 60)]


def test_a_failure_is_told_every_day_of_a_pinned_voice_and_once_of_another(house: House) -> None:
    house.voice("pinned", 10, pinned=True)
    ruled = house.voice("ruled", 12)
    registry = house.open(_settings(house, rules=(NEWS,)))
    registry.edit(ruled, tags={"team": "news"})
    house.sandbox.misbehave("synthesize", "500", times=None)

    done = keep_house(registry)
    assert failed_steps(done) == [("keep_alive", "default")]
    assert (step(done, "keep_alive").error or "").startswith("2 of 2 voices could not be kept")
    assert house.told_last() == [_failed("pinned"), _failed("ruled")]
    assert "voice.keep-alive-failed" in house.actions(ruled)

    for _ in range(2):
        house.clock.advance(timedelta(hours=6))
        keep_house(registry)
        assert house.told_last() == []
    for _ in range(3):
        house.clock.advance(DAY)
        keep_house(registry)
        assert house.told_last() == [_failed("pinned")]

    house.sandbox.clear_faults()
    assert keep_house(registry).ok
    assert house.told_last() == [
        all_clear("pinned", kind="keep_alive"),
        all_clear("ruled", kind="keep_alive"),
    ]
    assert keep_house(registry).messages == ()


@ONE_DATABASE
def test_one_that_is_unpinned_while_it_fails_is_warned_of_as_any_other(house: House) -> None:
    voice = house.voice("pinned", 10, pinned=True)
    registry = house.open()
    house.sandbox.misbehave("synthesize", "500", times=None)
    keep_house(registry)
    assert house.told_last() == [_failed("pinned")]
    registry.edit(voice, pin=False)
    house.clock.advance(DAY)
    keep_house(registry)
    assert house.told_last() == [warning("pinned", 14)]


@ONE_DATABASE
def test_no_more_than_three_are_tried_while_the_provider_does_not_serve(house: House) -> None:
    voices = [house.voice(f"voice{number}", 5 + number, pinned=True) for number in range(5)]
    registry = house.open()
    with house.sandbox.offline():
        done = keep_house(registry)

    assert step(done, "keep_alive").counts == {"due": 5, "kept": 0, "failed": 5, "left_out": 0}
    tried = [voice for voice in voices if "voice.keep-alive-failed" in house.actions(voice)]
    assert tried == voices[:3]
    assert house.told_last() == [_failed(f"voice{number}") for number in range(5)]

    assert keep_house(registry).ok
    assert house.told_last() == [
        all_clear(f"voice{number}", kind="keep_alive") for number in range(5)
    ]


@ONE_DATABASE
def test_failures_that_are_a_voices_own_do_not_keep_the_others_from_speaking(
    house: House,
) -> None:
    gone = [house.voice(f"gone{number}", 5 + number, pinned=True) for number in range(4)]
    house.voice("there", 20, pinned=True)
    registry = house.open()

    def vanish(*given: object) -> None:
        for voice in house.sandbox.voices():
            if voice.name.startswith("gone"):
                house.sandbox.remove_voice(voice.voice_id)

    def on_step(name: str, account: str | None) -> None:
        if name == "keep_alive":
            vanish()

    done = keep_house(registry, on_step=on_step)
    assert step(done, "keep_alive").counts == {"due": 5, "kept": 1, "failed": 4, "left_out": 0}
    assert _spoken(house.sandbox) == ["there"]
    assert {registry.voice(voice).state for voice in gone} == {State.MISSING}


@ONE_DATABASE
def test_one_that_is_gone_when_it_is_to_speak_is_missing_and_then_lost(house: House) -> None:
    voice = house.voice("anna", 10, pinned=True)
    registry = house.open()

    def on_step(name: str, account: str | None) -> None:
        if name == "keep_alive":
            house.sandbox.remove_voice(house.sandbox.voices()[0].voice_id)

    done = keep_house(registry, on_step=on_step)
    assert failed_steps(done) == [("keep_alive", "default")]
    assert registry.voice(voice).state is State.MISSING
    assert house.actions(voice)[-2:] == ["voice.missing", "voice.keep-alive-failed"]
    assert house.told_last() == [_failed("anna")]

    house.clock.advance(timedelta(hours=6))
    keep_house(registry)
    assert registry.voice(voice).state is State.LOST
    assert house.told_last() == [warning("anna", kind="gone")]


@ONE_DATABASE
def test_a_dry_run_names_them_and_lets_none_speak(house: House) -> None:
    house.voice("near", 5, pinned=True)
    house.voice("next", 6, pinned=True)
    registry = house.open(_settings(house, daily_limit=1))
    before = frozen.rows(house.url)
    done = keep_house(registry, dry_run=True)
    assert step(done, "keep_alive").counts == {"due": 2, "kept": 1, "failed": 0, "left_out": 1}
    (delivery,) = done.messages
    assert [item.concern.voices[0].name for item in delivery.message.items] == ["next"]
    assert _ways(house.sandbox) == []
    assert frozen.rows(house.url) == before
    assert house.told() == []


@ONE_DATABASE
def test_the_use_is_counted_once_though_many_rounds_see_it(house: House) -> None:
    voice = house.voice("anna", 10, pinned=True)
    registry: Registry = house.open()
    for _ in range(3):
        keep_house(registry)
        house.clock.advance(timedelta(hours=6))
    assert [(row["voice"], row["uses"]) for row in house.rows(voice_uses)] == [(voice, 1)]
    assert [row["action"] for row in house.rows(events)].count("voice.keep-alive") == 1


@ONE_DATABASE
def test_one_that_failed_and_is_no_longer_due_is_all_clear(house: House) -> None:
    """As when an administrator says when it was used: there is more time than was thought."""
    voice = house.voice("anna", 10, pinned=True)
    registry = house.open()
    house.sandbox.misbehave("synthesize", "500", times=None)
    keep_house(registry)
    assert house.told_last() == [_failed("anna")]

    registry.correct_use(voice, house.clock.now() - YEAR + timedelta(days=45))
    assert keep_house(registry).ok
    assert house.told_last() == [all_clear("anna", kind="keep_alive")]


@ONE_DATABASE
def test_where_nobody_could_try_a_failure_is_not_over(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.voice("anna", 10, pinned=True)
    registry = house.open()
    house.sandbox.misbehave("synthesize", "500", times=None)
    keep_house(registry)
    assert house.told_last() == [_failed("anna")]
    house.sandbox.clear_faults()

    def fault(*given: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(KeepAlives, "due", fault)
        assert failed_steps(keep_house(registry)) == [("keep_alive", "default")]
    assert house.told_last() == [warning("anna", 14)], "nobody sees to it, so it is warned of"

    assert keep_house(registry).ok
    assert set(house.told_last()) == {all_clear("anna"), all_clear("anna", kind="keep_alive")}
