"""In what order voices are listed, a page of them, and a stream of many."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes import START
from tests.registry.rows import insert_voice, insert_voices, update_voice
from tests.registry.test_transactions import assert_nobody_holds_a_lock
from voicereg import Registry, SortField, State


def day(number: int) -> timedelta:
    return timedelta(days=number)


@pytest.fixture
def sorted_by(database_url: str) -> dict[SortField, list[str]]:
    """Voices whose every field has an order of its own, ties among them broken by id."""
    first = insert_voice(
        database_url,
        name="beta",
        created_at=START - day(3),
        deadline_at=START + day(400),
        updated_at=START - day(1),
        target_model="cosyvoice-v3.5-plus",
        state=State.PENDING,
        last_used_at=START - day(1),
        deadline_basis="used",
    )
    second = insert_voice(
        database_url,
        name="Alpha",
        created_at=START - day(2),
        deadline_at=START + day(363),
        updated_at=START,
        target_model="cosyvoice-v3-flash",
        state=State.ACTIVE,
    )
    third = insert_voice(
        database_url,
        name="alpha",
        created_at=START - day(2),
        deadline_at=START + day(363),
        updated_at=START - day(2),
        target_model="cosyvoice-v3-flash",
        state=State.MISSING,
    )
    return {
        SortField.CREATED: [first, second, third],
        SortField.DEADLINE: [second, third, first],
        SortField.USED: [second, third, first],
        SortField.UPDATED: [third, first, second],
        SortField.NAME: [second, third, first],
        SortField.MODEL: [second, third, first],
        SortField.STATE: [second, third, first],
    }


def test_each_field_both_ways(registry: Registry, sorted_by: dict[SortField, list[str]]) -> None:
    assert sorted_by.keys() == set(SortField)
    for field, order in sorted_by.items():
        up = [voice.id for voice in registry.voices(sort=field.value)]
        down = [voice.id for voice in registry.voices(sort=field, descending=True)]
        assert up == order, field
        assert down == up[::-1], "ties as well"


def test_by_creation_unless_said(registry: Registry, sorted_by: dict[SortField, list[str]]) -> None:
    assert [voice.id for voice in registry.voices()] == sorted_by[SortField.CREATED]


@pytest.mark.parametrize("descending", [False, True])
def test_pages_put_together_are_the_whole(
    registry: Registry, database_url: str, descending: bool
) -> None:
    """All alike: without a last word in the order, a page could repeat or leave out one."""
    ids = insert_voices(database_url, 7, name="same")
    for field in SortField:
        pages = [
            registry.voices(sort=field, descending=descending, limit=3, offset=offset)
            for offset in (0, 3, 6, 9)
        ]
        assert [len(page) for page in pages] == [3, 3, 1, 0]
        together = [voice.id for page in pages for voice in page]
        assert together == (ids[::-1] if descending else ids), field


def test_limit_and_offset(registry: Registry, database_url: str) -> None:
    ids = insert_voices(database_url, 4)
    assert registry.voices(limit=0) == []
    assert [voice.id for voice in registry.voices(offset=3)] == ids[3:]
    assert [voice.id for voice in registry.voices(limit=10)] == ids


def test_a_stream_of_many_is_the_list(registry: Registry, database_url: str) -> None:
    """More than two pages, and more alike in their time of creation than a page holds."""
    insert_voices(database_url, 700)
    insert_voices(database_url, 400, created_at=START - day(1))
    insert_voices(database_url, 60, created_at=START + timedelta(microseconds=1))
    registry.edit(registry.voices(limit=1, offset=600)[0].id, tags={"far": "along"})
    streamed = list(registry.iter_voices())
    assert len(streamed) == 1160
    assert streamed == registry.voices(sort="created")
    assert streamed[600].tags == {"far": "along"}


@pytest.mark.parametrize("count", [0, 499, 500, 501, 1000])
def test_a_stream_at_the_edges_of_its_pages(
    registry: Registry, database_url: str, count: int
) -> None:
    ids = insert_voices(database_url, count) if count else []
    assert [voice.id for voice in registry.iter_voices()] == ids


def test_no_transaction_is_open_between_two_voices(registry: Registry, database_url: str) -> None:
    """One who takes an hour over each voice keeps nobody out, and may change what he reads."""
    ids = insert_voices(database_url, 502)
    for number, voice in enumerate(registry.iter_voices()):
        if number in {0, 250, 501}:
            assert_nobody_holds_a_lock(database_url)
            registry.edit(voice.id, note="seen")
    assert [voice.id for voice in registry.voices(search="seen")] == [ids[0], ids[250], ids[501]]


def test_a_stream_that_is_left_halfway_holds_nothing(registry: Registry, database_url: str) -> None:
    insert_voices(database_url, 3)
    stream = registry.iter_voices()
    next(stream)
    assert_nobody_holds_a_lock(database_url)
    del stream
    assert_nobody_holds_a_lock(database_url)


def test_what_changes_on_a_page_to_come_is_seen_as_it_is_then(
    registry: Registry, database_url: str
) -> None:
    ids = insert_voices(database_url, 501)
    stream = registry.iter_voices()
    first = next(stream)
    update_voice(database_url, ids[-1], note="changed")
    assert first.id == ids[0]
    assert list(stream)[-1].note == "changed"
