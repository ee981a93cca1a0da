"""Creates paired with listed voices: whatever there is of both, nothing is guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.making import MADE_AT, voice
from voicereg import Family, Origin, State, Voice
from voicereg.domain.attempts import (
    CLOCK_TOLERANCE,
    Fit,
    Pairing,
    fit,
    is_at_work,
    pair,
    settles_at,
)
from voicereg.domain.remote import RemoteVoice

SETTLE_AFTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
BEIJING = timedelta(hours=8)
OPEN, UNDER_WAY = "open", "under way"


def attempt(registry_id: str = "a-1", **changed: Any) -> Voice:
    # Read by `is_open` below; any field would do that nothing else looks at.
    unknown = {"voice_id": None, "state": State.UNRESOLVED, "request_id": OPEN, "language": None}
    return voice(**({"id": registry_id, **unknown} | changed))


def remote(voice_id: str = "v-1", **changed: Any) -> RemoteVoice:
    values: dict[str, Any] = {
        "voice_id": voice_id,
        "family": Family.COSYVOICE,
        "origin": Origin.DESIGNED,
        "target_model": "cosyvoice-v3.5-plus",
        "status": None,
        "prompt": "A calm voice",
        "preview_text": "Good evening",
        "language": None,
        "created_at": MADE_AT,
        "created_at_latest": MADE_AT + BEIJING,
        "name": "calm",
    }
    return RemoteVoice(**(values | changed))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, Fit.YES),
        ({"name": None}, Fit.YES),
        ({"language": "en"}, Fit.YES),
        ({"prompt": " A  calm voice\n"}, Fit.YES),
        ({"prompt": None}, Fit.MAYBE),
        ({"preview_text": None}, Fit.MAYBE),
        ({"target_model": None}, Fit.MAYBE),
        ({"created_at": None, "created_at_latest": None}, Fit.MAYBE),
        ({"prompt": "Another"}, Fit.NO),
        ({"preview_text": "Another"}, Fit.NO),
        ({"target_model": "cosyvoice-v3-plus"}, Fit.NO),
        ({"name": "calm2"}, Fit.NO),
        ({"family": Family.QWEN_TTS}, Fit.NO),
        ({"origin": Origin.CLONED}, Fit.NO),
        ({"prompt": None, "name": "calm2"}, Fit.NO),
    ],
)
def test_what_speaks_for_and_against(changed: dict[str, Any], expected: Fit) -> None:
    assert fit(attempt(), remote(**changed), SETTLE_AFTER) is expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [("my-calm-voice", "my", Fit.YES), ("my-calm-voice", "your", Fit.NO), ("my", "my", Fit.YES)],
)
def test_of_a_name_that_was_not_checked_an_id_shows_as_much_as_comes_before_its_dash(
    ours: str, theirs: str, expected: Fit
) -> None:
    assert fit(attempt(name=ours), remote(name=theirs), SETTLE_AFTER) is expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [("en", "en", Fit.YES), ("en", "zh", Fit.NO), ("en", None, Fit.YES), (None, "zh", Fit.YES)],
)
def test_a_language_counts_where_both_say_one(
    ours: str | None, theirs: str | None, expected: Fit
) -> None:
    assert fit(attempt(language=ours), remote(language=theirs), SETTLE_AFTER) is expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (-CLOCK_TOLERANCE - MINUTE, Fit.NO),
        (-CLOCK_TOLERANCE, Fit.YES),
        (SETTLE_AFTER + CLOCK_TOLERANCE, Fit.YES),
        (SETTLE_AFTER + CLOCK_TOLERANCE + MINUTE, Fit.NO),
    ],
)
@pytest.mark.parametrize("reading", ["created_at", "created_at_latest"])
def test_the_time_counts_under_either_reading(
    after: timedelta, expected: Fit, reading: str
) -> None:
    far = MADE_AT - timedelta(days=30)
    times: dict[str, Any] = {"created_at": far, "created_at_latest": far, reading: MADE_AT + after}
    assert fit(attempt(), remote(**times), SETTLE_AFTER) is expected


def test_a_longer_lease_makes_the_time_longer() -> None:
    leased = attempt(lease_expires_at=MADE_AT + timedelta(hours=2))
    assert settles_at(leased, SETTLE_AFTER) == MADE_AT + timedelta(hours=2)
    late = remote(created_at=MADE_AT + timedelta(hours=2))
    assert fit(leased, late, SETTLE_AFTER) is Fit.YES
    assert fit(attempt(), late, SETTLE_AFTER) is Fit.NO


@pytest.mark.parametrize(
    ("state", "lease", "expected"),
    [
        (State.CREATING, MADE_AT + MINUTE, True),
        (State.CREATING, MADE_AT, False),
        (State.UNRESOLVED, MADE_AT + MINUTE, False),
        (State.UNRESOLVED, None, False),
    ],
)
def test_who_is_at_work(state: State, lease: datetime | None, expected: bool) -> None:
    assert is_at_work(attempt(state=state, lease_expires_at=lease), MADE_AT) is expected


# Any account: a few designs, made by a few people at nearly the same time, shown well or badly.


@dataclass(frozen=True)
class Made:
    """A create, and how long after it its voice came about; None: it made none."""

    prompt: str
    minute: int
    labelled: bool
    elsewhere: bool
    """Through another account of the group."""
    under_way: bool
    long_lease: bool
    voice_after: int | None
    blurred: bool
    """Whether the listing leaves the prompt of its voice out."""


def rarely() -> st.SearchStrategy[bool]:
    return st.integers(0, 15).map(lambda number: number == 15)


PROMPTS = st.sampled_from(["A calm voice", "A loud voice", "A low voice"])
MADE = st.lists(
    st.builds(
        Made,
        prompt=PROMPTS,
        minute=st.integers(0, 60),
        labelled=rarely(),
        elsewhere=rarely(),
        under_way=rarely(),
        long_lease=rarely(),
        voice_after=st.one_of(st.integers(0, 14), st.none()),
        blurred=rarely(),
    ),
    min_size=1,
    max_size=5,
)
OTHERS = st.lists(st.tuples(PROMPTS, st.integers(-60, 120)), max_size=2)


def made_attempts(drawn: Sequence[Made]) -> list[Voice]:
    return [
        attempt(
            f"a-{number}",
            prompt=made.prompt,
            created_at=MADE_AT + made.minute * MINUTE,
            tags={"use": "news"} if made.labelled else {},
            account="archive" if made.elsewhere else "studio",
            request_id=UNDER_WAY if made.under_way else OPEN,
            lease_expires_at=MADE_AT + timedelta(hours=2) if made.long_lease else None,
        )
        for number, made in enumerate(drawn)
    ]


def made_remotes(drawn: Sequence[Made], others: Sequence[tuple[str, int]]) -> list[RemoteVoice]:
    voices = [
        (None if made.blurred else made.prompt, made.minute + made.voice_after)
        for made in drawn
        if made.voice_after is not None
    ]
    return [
        remote(
            f"v-{number}",
            prompt=prompt,
            created_at=MADE_AT + minute * MINUTE,
            created_at_latest=MADE_AT + minute * MINUTE + BEIJING,
        )
        for number, (prompt, minute) in enumerate([*voices, *others])
    ]


def is_open(one: Voice) -> bool:
    return one.request_id == OPEN


def paired(attempts: Sequence[Voice], voices: Sequence[RemoteVoice]) -> Pairing:
    return pair(attempts, voices, settle_after=SETTLE_AFTER, is_open=is_open)


def given_by_the_user(one: Voice) -> tuple[object, ...]:
    return one.account, one.prompt, tuple(one.tags.items())


@settings(deadline=None, max_examples=400)
@given(MADE, OTHERS)
def test_nothing_is_guessed(made: list[Made], others: list[tuple[str, int]]) -> None:
    attempts, voices = made_attempts(made), made_remotes(made, others)
    found = paired(attempts, voices)
    groups = [*found.doubts, *found.waiting]

    # No create and no voice has two fates.
    fates_of_attempts = Counter(
        [one.id for one, _ in found.adoptions]
        + [one.id for group in groups for one in group.attempts]
    )
    fates_of_voices = Counter(
        [there.voice_id for _, there in found.adoptions]
        + [there.voice_id for group in groups for there in group.voices]
    )
    assert max(fates_of_attempts.values(), default=1) == 1
    assert max(fates_of_voices.values(), default=1) == 1

    for one, there in found.adoptions:
        assert fit(one, there, SETTLE_AFTER) is Fit.YES
        assert is_open(one)
        rivals = [other for other in attempts if fit(other, there, SETTLE_AFTER) is not Fit.NO]
        assert {given_by_the_user(other) for other in rivals} == {given_by_the_user(one)}
        assert all(is_open(other) for other in rivals)

    # Every voice that a create may have made is told of: it is nobody else's to import.
    for there in voices:
        fits_one = any(fit(one, there, SETTLE_AFTER) for one in attempts)
        assert (there.voice_id in fates_of_voices) == fits_one

    # Of creates alike, the older has the older voice.
    for one, there in found.adoptions:
        for other, elsewhere in found.adoptions:
            if given_by_the_user(one) != given_by_the_user(other):
                continue
            if one.lease_expires_at != other.lease_expires_at:
                continue
            assert there.created_at is not None
            assert elsewhere.created_at is not None
            if one.created_at < other.created_at:
                assert there.created_at <= elsewhere.created_at

    # What is beyond the creates' own slots is counted.
    assert found.surplus == sum(max(0, len(group.voices) - len(group.attempts)) for group in groups)


@settings(deadline=None, max_examples=100)
@given(MADE, OTHERS, st.randoms(use_true_random=False))
def test_the_order_of_the_listing_does_not_matter(
    made: list[Made], others: list[tuple[str, int]], random: Random
) -> None:
    attempts, voices = made_attempts(made), made_remotes(made, others)

    def outcome(found: Pairing) -> set[tuple[str, str]]:
        return {(one.id, there.voice_id) for one, there in found.adoptions}

    first = outcome(paired(attempts, voices))
    random.shuffle(attempts)
    random.shuffle(voices)
    assert outcome(paired(attempts, voices)) == first


def test_doubtful_groups_are_left_as_they_are() -> None:
    """One create, two voices; and a certain pair beside them, which is not kept from its own."""
    unsure, sure = attempt("a-1"), attempt("a-2", prompt="Another")
    found = paired([unsure, sure], [remote("v-1"), remote("v-2"), remote("v-3", prompt="Another")])
    assert [(one.id, there.voice_id) for one, there in found.adoptions] == [("a-2", "v-3")]
    (doubt,) = found.doubts
    assert [one.id for one in doubt.attempts] == ["a-1"]
    assert {there.voice_id for there in doubt.voices} == {"v-1", "v-2"}
    assert (found.waiting, found.surplus) == ((), 1)


def test_a_create_under_way_makes_its_whole_group_wait() -> None:
    found = paired(
        [attempt("a-1"), attempt("a-2", request_id=UNDER_WAY)], [remote("v-1"), remote("v-2")]
    )
    assert (found.adoptions, found.doubts, found.surplus) == ((), (), 0)
    assert len(found.waiting) == 1


def test_alike_creates_and_their_voices_in_order() -> None:
    attempts = [attempt(f"a-{n}", created_at=MADE_AT + n * MINUTE) for n in (2, 0, 1)]
    voices = [remote(f"v-{n}", created_at=MADE_AT + n * MINUTE) for n in (1, 2, 0)]
    found = paired(attempts, voices)
    assert [(one.id, there.voice_id) for one, there in found.adoptions] == [
        ("a-0", "v-0"),
        ("a-1", "v-1"),
        ("a-2", "v-2"),
    ]
