"""More than a year of housekeeping: every voice is told of as its story demands, and no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import cycle
from pathlib import Path

import pytest

from tests.databases import SqliteTemplate
from tests.fakes import START
from tests.housekeeping.foretelling import Fate, Telling, fate_of, quota_tellings, tellings_of
from tests.housekeeping.playing import CHANNELS, EVERYTHING, Limits, Played, play
from tests.housekeeping.stories import (
    AUDIO,
    CLONE_MODELS,
    COSY,
    COSY_CLONE,
    DESIGN_MODELS,
    FLASH,
    LIVE,
    LIVE_CLONE,
    OWNER,
    QWEN,
    QWEN_CLONE,
    Story,
    day,
    designed,
    elsewhere,
    found,
    noted,
    spanning,
    spoken,
)

Short = tuple[str, str, int | None]
SECOND = 1 / 86_400


def every(step: float, first: float, last: float) -> list[float]:
    return [first + step * number for number in range(int((last - first) // step) + 1)]


def warned(*marks: int) -> list[Short]:
    return [("warning", "deadline", mark) for mark in marks]


GONE: list[Short] = [("warning", "gone", None)]
REJECTED: list[Short] = [("warning", "rejected", None)]
ALL_CLEAR: list[Short] = [("all_clear", "deadline", None)]
TO_ITS_END = warned(60, 30, 14, 7, 3, 1, 0) + GONE

DAYS = 430
UNATTENDED = (200, 212)
"""For so long the job did not run."""
BY_HAND = (35.01, 94.51, 105.01)
"""Soon after another round."""
ROUNDS = sorted(
    day(at) for at in [*every(1.75, 0, DAYS), *BY_HAND] if not UNATTENDED[0] < at < UNATTENDED[1]
)
LIMITS: Limits = {
    "cosyvoice": [(START, 1000), (day(100.1), 20), (day(110.1), 1000)],
    "qwen-tts": [(START, 33), (day(400.1), 18), (day(420.1), 33)],
}


def used_often() -> list[Story]:
    weekly = every(7, 4.3, DAYS)
    return [
        designed("often1", 0.1, COSY, uses=noted(*weekly)),
        designed("often2", 0.1, QWEN, uses=spoken(*every(14, 5.3, DAYS)), owner=OWNER),
        found("often3", -200, LIVE_CLONE, uses=noted(*weekly)),
        found("often4", -120, COSY_CLONE, uses=spoken(*every(21, 6.3, DAYS))),
        # In danger when it is found, until its first known use.
        found("often5", -350, FLASH, uses=noted(*weekly), owner=OWNER),
        # Its log is read a month late.
        found("often6", -290, LIVE, uses=noted(*every(7, 4.3, 395), later=31.5)),
    ]


def used_once() -> list[Story]:
    """In the middle of the danger, and the registry hears of it."""
    return [
        found("at40", -300, COSY, uses=spoken(24.3), owner=OWNER),
        found("at5", -280, QWEN, uses=spoken(80.2)),
        found("lastday", -259.75, AUDIO, uses=spoken(105.1)),
        designed("at40new", 10.2, LIVE, uses=spoken(335.4)),
        designed("at5new", 20.2, QWEN, uses=spoken(380.4), owner=OWNER),
        designed("lastdaynew", 25.75, FLASH, uses=spoken(390.5)),
        # While the job did not run.
        found("unattended", -160, QWEN_CLONE, uses=noted(204.5)),
        # Past its deadline, for the registry did not know of another use.
        found("anyday", -330, COSY_CLONE, uses=elsewhere(-10) + spoken(50.2)),
        # So long ago by the time it is heard of, that the new deadline is near as well.
        found("latelog", -340, QWEN, uses=noted(3.1, later=337)),
    ]


def used_elsewhere() -> list[Story]:
    return [
        found("away1", -300, COSY, uses=elsewhere(*every(100, -50, DAYS))),
        found("away2", -250, QWEN_CLONE, uses=elsewhere(*every(90, -30, DAYS)), owner=OWNER),
        found("away3", -390, LIVE, uses=elsewhere(*every(110, -130, DAYS))),
        # Not any more: its time is up just when there is a round.
        found("away4", -365, COSY_CLONE, uses=elsewhere(-20.25)),
    ]


def idle() -> list[Story]:
    models = cycle(DESIGN_MODELS + CLONE_MODELS)
    ages = (364.9, 362.4, 355.6, 320, 160.5, 154, 140, 31)
    return [
        *(
            found(f"idle{age:.0f}", -age, next(models), owner=OWNER if age > 340 else None)
            for age in ages
        ),
        # Its deadline is a round's moment, as are two of its marks; and a second later.
        found("sharp", -218, COSY),
        found("lessharp", -218 + SECOND, QWEN),
        *(
            designed(f"new{made}".replace(".", "x"), made, next(models_of_designs))
            for models_of_designs in [cycle(DESIGN_MODELS)]
            for made in (10, 31, 43.25, 51.9)
        ),
        # No round comes in its last day.
        designed("skipped", 37.3, FLASH, owner=OWNER),
    ]


def to_stay() -> list[Story]:
    return [
        found("pin1", -340, COSY, pinned=spanning(0), owner=OWNER),
        found("pin2", -150, QWEN_CLONE, pinned=spanning(0)),
        designed("pin3", 3, LIVE, pinned=spanning(3)),
        designed("pin4", 0.5, AUDIO, pinned=spanning(0.5), owner=OWNER),
        found("pin5", -380, COSY_CLONE, uses=elsewhere(-40), pinned=spanning(0)),
        found("rule1", -320, QWEN, tagged=spanning(0)),
        found("rule2", -100, LIVE_CLONE, tagged=spanning(0), owner=OWNER),
        designed("rule3", 1.2, FLASH, tagged=spanning(1.2)),
        # Once it was told of: near enough to be used at once, and not yet.
        found("late1", -340, LIVE, pinned=spanning(3.2), owner=OWNER),
        found("late2", -315, COSY, pinned=spanning(3.2)),
        # Not any more.
        designed("unpinned", 5.3, QWEN, pinned=spanning(5.3, 330.1)),
    ]


def deleted() -> list[Story]:
    """By another hand, or through the registry."""
    return [
        designed("lost1", 2.2, COSY, removed=day(90.3), owner=OWNER),
        found("lost2", -300, QWEN, removed=day(40.3)),
        found("lost3", -280, COSY_CLONE, uses=elsewhere(-5), removed=day(150.3)),
        designed("lost4", 2.2, LIVE, pinned=spanning(2.2), removed=day(315.2), owner=OWNER),
        designed("lost5", 2.2, QWEN, pinned=spanning(2.2), removed=day(206.2)),
        # Missed on its last day, and found to be gone after that.
        found("lost6", -300, LIVE, removed=day(64)),
        found("deleted1", -310, AUDIO, deleted=day(30.3), owner=OWNER),
        found("deleted2", -260, LIVE_CLONE, deleted=day(104.9)),
        designed("deleted3", 6.7, FLASH, deleted=day(366.2)),
        designed("deleted4", 60.2, QWEN, deleted=day(160.2)),
    ]


def made_later() -> list[Story]:
    return [
        designed("later1", 85.1, COSY, owner=OWNER),
        designed("later2", 120.6, LIVE),
        designed("later3", 206.3, QWEN),
        designed("later4", 400.3, AUDIO),
        found("later5", 130.7, COSY_CLONE),
        # Its owner changes while it is in danger.
        found("moved", -270, FLASH, owner=OWNER, owned=spanning(62.2, 85.2)),
        designed("refused", 140.2, COSY, rejected=True, owner=OWNER),
        designed("refused2", 150.2, COSY, rejected=True, deleted=day(170.2)),
        # Nobody deletes it, so the provider does in the end.
        designed("refused3", 15.2, COSY, rejected=True),
    ]


def campaign() -> list[Story]:
    """Voices that fill a quota for a while."""
    return [
        designed(f"campaign{number}", 240.2 + number, QWEN, deleted=day(270.2 + 2 * number))
        for number in range(10)
    ]


def the_year() -> list[Story]:
    return [
        *used_often(),
        *used_once(),
        *used_elsewhere(),
        *idle(),
        *to_stay(),
        *deleted(),
        *made_later(),
        *campaign(),
    ]


KNOWN: Mapping[str, list[Short]] = {
    "often1": [],
    "often5": warned(30, 14) + ALL_CLEAR,
    "often6": warned(60) + ALL_CLEAR,
    "at40": warned(60) + ALL_CLEAR + TO_ITS_END,
    "at5": warned(60, 30, 14, 7) + ALL_CLEAR + warned(60, 30),
    "lastday": warned(60, 30, 14, 7, 3, 1) + ALL_CLEAR + warned(60),
    "at40new": warned(60) + ALL_CLEAR,
    "at5new": warned(60, 30, 14, 7) + ALL_CLEAR,
    "lastdaynew": warned(60, 30, 14, 7, 3, 1) + ALL_CLEAR,
    "unattended": warned(60, 30, 14, 7) + ALL_CLEAR,
    # When the late log is read, 28 days are left: it has been told of worse.
    "latelog": warned(30, 14, 7, 3, 1, 0, 14, 7, 3, 1, 0) + GONE,
    "away1": warned(60, 30, 14, 7, 3, 1, 0),
    "away3": warned(0),
    "away4": warned(0) + GONE,
    "idle365": warned(1, 0) + GONE,
    "idle362": warned(3, 1, 0) + GONE,
    "idle356": warned(14, 7, 3, 1, 0) + GONE,
    "sharp": warned(60, 30, 14, 7, 3, 0) + GONE,
    "lessharp": warned(60, 30, 14, 7, 3, 1, 0) + GONE,
    "new10": TO_ITS_END,
    "new31": TO_ITS_END,
    "new43x25": TO_ITS_END,
    "new51x9": TO_ITS_END,
    "skipped": warned(60, 30, 14, 7, 3, 0) + GONE,
    "pin1": [],
    "pin2": [],
    "pin3": [],
    "pin4": [],
    "pin5": [],
    "rule1": [],
    "rule2": [],
    "rule3": [],
    "late1": warned(30) + ALL_CLEAR,
    "late2": warned(60) + ALL_CLEAR,
    "lost1": GONE,
    "lost2": warned(60, 30) + GONE,
    "lost4": warned(60) + GONE,
    "lost6": warned(60, 30, 14, 7, 3, 1) + GONE,
    "deleted1": warned(60, 30),
    "deleted4": [],
    "refused": REJECTED,
    "refused2": REJECTED,
    "refused3": REJECTED + warned(0) + GONE,
    "later1": warned(60, 30),
    "later3": [],
}
"""What is to be told of some, by hand."""

KNOWN_STATES = {
    "new10": "expired",
    "away1": "active",
    "away4": "expired",
    "lost1": "lost",
    "lost2": "lost",
    "lost3": "expired",
    "lost4": "lost",
    "lost6": "lost",
    "deleted1": "deleted",
    "refused": "rejected",
    "refused3": "expired",
    "pin1": "active",
    "rule1": "active",
}


def test_more_than_a_year_with_few_rounds(sqlite_template: SqliteTemplate, tmp_path: Path) -> None:
    """With all of the stories, of which such rounds have less to tell."""
    stories, rounds = the_year(), [day(at) for at in every(17.15, 0, DAYS)]
    database = sqlite_template.copy_to(tmp_path / "voicereg.db")
    played = play(stories, rounds, LIMITS, database, tmp_path)
    check(played, [fate_of(story, rounds) for story in stories], rounds, LIMITS)


@pytest.mark.soak
def test_more_than_a_year(sqlite_template: SqliteTemplate, tmp_path: Path) -> None:
    stories = the_year()
    database = sqlite_template.copy_to(tmp_path / "voicereg.db")
    played = play(stories, ROUNDS, LIMITS, database, tmp_path)
    fates = [fate_of(story, ROUNDS) for story in stories]
    check(played, fates, ROUNDS, LIMITS)

    told = by_subject(played.tellings(EVERYTHING))
    assert {name: [one.short for one in told.get(name, [])] for name in KNOWN} == KNOWN
    assert {name: played.voices[name].state.value for name in KNOWN_STATES} == KNOWN_STATES
    assert [one.at for one in told["sharp"]][2:] == [
        day(at) for at in (133, 140, 145.25, 147, 148.75)
    ]
    assert [(one.news, one.level) for one in told["qwen-tts"]] == [
        ("warning", "warning"),
        ("warning", "critical"),
        ("all_clear", "ok"),
        ("warning", "warning"),
        ("all_clear", "ok"),
    ]
    assert [(one.news, one.level) for one in told["cosyvoice"]] == [
        ("warning", "full"),
        ("all_clear", "ok"),
    ]


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_few_voices_for_a_season(database_url: str, tmp_path: Path) -> None:
    rounds = [day(at) for at in every(2, 0, 80)]
    limits: Limits = {
        "cosyvoice": [(START, 1000)],
        "qwen-tts": [(START, 3), (day(31), 4), (day(51), 10)],
    }
    stories = [
        designed("often", 0.1, COSY, uses=spoken(*every(7, 4.3, 80))),
        found("idle", -330.5, COSY_CLONE, owner=OWNER),
        found("idleq", -312.5, QWEN),
        found("late", -362, COSY),
        found("once", -340.5, LIVE, uses=spoken(20.3), owner=OWNER),
        found("away", -320, COSY, uses=elsewhere(-3)),
        found("pin", -345, QWEN_CLONE, pinned=spanning(0)),
        designed("rule", 0.3, FLASH, tagged=spanning(0.3), owner=OWNER),
        found("lost", -320, COSY, removed=day(25.3), owner=OWNER),
        found("deleted", -320, AUDIO, deleted=day(35.3)),
        designed("refused", 40.3, COSY, rejected=True),
    ]
    played = play(stories, rounds, limits, database_url, tmp_path)
    fates = [fate_of(story, rounds) for story in stories]
    check(played, fates, rounds, limits)

    told = by_subject(played.tellings(EVERYTHING))
    known = {
        "often": [],
        "idle": warned(60, 30, 14, 7, 3, 1, 0) + GONE,
        "idleq": warned(60, 30, 14, 7, 3, 1, 0) + GONE,
        "late": warned(3, 1, 0) + GONE,
        "once": warned(30, 14, 7) + ALL_CLEAR,
        "away": warned(60, 30, 14, 7, 3, 1, 0),
        "pin": [],
        "rule": [],
        "lost": warned(60, 30) + GONE,
        "deleted": warned(60, 30, 14),
        "refused": REJECTED,
    }
    assert {name: [one.short for one in told.get(name, [])] for name in known} == known
    assert [(one.news, one.level) for one in told["qwen-tts"]] == [
        ("warning", "full"),
        ("all_clear", "ok"),
    ]


def check(
    played: Played, fates: Sequence[Fate], rounds: Sequence[datetime], limits: Limits
) -> None:
    """Everything was told that the stories foretell, nothing else, and the records agree."""
    assert [done.started_at for done in played.rounds] == list(rounds)
    for done in played.rounds:
        assert done.ok, done.as_dict()
    for name, owner in CHANNELS.items():
        expected = {telling for fate in fates for telling in tellings_of(fate, rounds, owner)}
        if owner is None:
            expected |= set(quota_tellings(fates, rounds, limits))
        told = played.tellings(name)
        assert by_subject(told) == by_subject(expected)
        marks = [(one.about, one.deadline, one.mark) for one in told if one.mark is not None]
        assert len(set(marks)) == len(marks), "a mark is told once for each deadline"
        messages = played.messages[name]
        told_at = [datetime.fromisoformat(message["made_at"]) for message in messages]
        assert told_at == sorted({telling.at for telling in expected}), "one message a round"
        delivered = [
            delivery.message.id
            for done in played.rounds
            for delivery in done.messages
            if delivery.message.channel == name and delivery.delivered
        ]
        assert [message["id"] for message in messages] == delivered
        print(f"\n{name}: {len(messages)} messages in {len(rounds)} rounds")  # noqa: T201
    for fate in fates:
        check_record(played, fate)


def check_record(played: Played, fate: Fate) -> None:
    """What is on record of a voice in the end is what became of it."""
    name = fate.story.name
    voice = played.voices[name]
    assert (voice.state, voice.gone_at) == (fate.state, fate.gone_at), name
    assert (voice.deadline_at, voice.deadline_basis) == (fate.deadline, fate.deadline_basis), name
    assert (name in played.there) is fate.is_there, name
    assert played.kept_alive[name] == len(fate.kept_alive), name
    if fate.kept_alive:
        assert voice.last_used_source == "keep-alive", name


def by_subject(tellings: Iterable[Telling]) -> dict[str, list[Telling]]:
    found: dict[str, list[Telling]] = {}
    for telling in sorted(tellings, key=lambda one: one.at):
        found.setdefault(telling.about, []).append(telling)
    return dict(sorted(found.items()))
