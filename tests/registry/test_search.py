"""Texts that are searched: on an index of either database, and the same as without one."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import OpenRegistry
from tests.fakes import ANNOUNCER, NARRATOR
from tests.registry.rows import QWEN, begun, insert_voice, insert_voices
from voicereg import Registry
from voicereg.engine import Database
from voicereg.schema.checks import problems
from voicereg.store import voice_queries
from voicereg.store.texts import SEARCHED
from voicereg.tables import voice_texts

FEW = 5
LETTERS = "aAbBéÉäß 12_%\\'\"*()^-:的温柔声ABC\n🎙ñİıſ"


@pytest.fixture
def registry(open_registry: OpenRegistry) -> Registry:
    return open_registry()


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a few voices are had sooner."""
    monkeypatch.setattr(voice_queries, "_FEW", FEW)


def found(registry: Registry, search: str, **options: Any) -> set[str]:
    return {voice.id for voice in registry.voices(search=search, **options)}


def test_chinese_words_of_any_length(registry: Registry, database_url: str) -> None:
    gentle = insert_voice(database_url, prompt="嗓音温柔，适合童话故事")
    deep = insert_voice(database_url, prompt="嗓音低沉", preview_text="晚间新闻：今天温差大")

    assert found(registry, "温") == {gentle, deep}
    assert found(registry, "温柔") == {gentle}
    assert found(registry, "童话故") == {gentle}
    assert found(registry, "故事") == {gentle}, "the last two of a text"
    assert found(registry, "事") == {gentle}, "the last of a text"
    assert found(registry, "大") == {deep}
    assert found(registry, "嗓音低沉") == {deep}
    assert found(registry, "柔温") == set()


def test_a_word_does_not_reach_from_one_field_to_the_next(
    registry: Registry, database_url: str
) -> None:
    insert_voice(database_url, name="tone", prompt="deaf")

    assert found(registry, "onede") == set()


@pytest.mark.parametrize("searched", ["Steady", "st", "晚"])
def test_what_is_changed_is_found_by_what_it_is_now(registry: Registry, searched: str) -> None:
    voice = registry.design(**ANNOUNCER, note="unsteady").id

    registry.edit(voice, note="Steady since 晚间")
    assert found(registry, searched) == {voice}
    registry.edit(voice, note="gone")
    assert found(registry, "steady since") == set()


def test_an_id_of_the_provider_is_found_from_the_time_that_it_is_known(
    registry: Registry,
) -> None:
    with registry.reserve(**NARRATOR) as slot:
        assert found(registry, "vd-by-hand") == set()
        slot.confirm("qwen-tts-vd-by-hand-1")

    assert found(registry, "VD-by-hand") == {slot.voice.id}


def test_what_was_rolled_back_is_not_found(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url, note="steady")
    with begun(database_url) as connection:
        attempt = connection.begin_nested()
        connection.execute(
            sa.update(voice_texts).where(voice_texts.c.voice == voice).values(text="shaky")
        )
        attempt.rollback()

    assert found(registry, "steady") == {voice}
    assert found(registry, "shaky") == set()


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("searched", ["zqzq", "zq", "z", "普通", "普"])
def test_where_many_fit_each_is_found_once_and_in_order(
    registry: Registry, database_url: str, searched: str
) -> None:
    ids = insert_voices(database_url, 3 * FEW, prompt="zqzq, so zqzq 普通 普通")
    insert_voices(database_url, FEW, prompt="rare")

    assert [voice.id for voice in registry.voices(search=searched)] == ids
    assert [voice.id for voice in registry.voices(search=searched, limit=4, offset=3)] == ids[3:7]
    assert [voice.id for voice in registry.iter_voices(search=searched)] == ids


@pytest.mark.usefixtures("many")
def test_tags_that_many_have_and_that_few_have(registry: Registry, database_url: str) -> None:
    ids = insert_voices(database_url, 3 * FEW, prompt="common")
    for id_ in ids:
        registry.edit(id_, tags={"team": "news"})
    registry.edit(ids[2], tags={"rare": "yes"})

    assert [voice.id for voice in registry.voices(tags={"team": "news"})] == ids
    assert [voice.id for voice in registry.voices(tags={"team": None, "rare": "yes"})] == [ids[2]]
    assert found(registry, "common", tags={"rare": None}) == {ids[2]}
    assert found(registry, "common", tags={"rare": "no"}) == set()


def test_other_filters_hold_beside_it(registry: Registry, database_url: str) -> None:
    ours = insert_voice(database_url, prompt="steady", family=QWEN)
    insert_voice(database_url, prompt="steady")

    assert found(registry, "steady", family=QWEN) == {ours}


def test_a_voice_without_a_text_is_told_of_and_mended(
    registry: Registry, database_url: str
) -> None:
    voice = insert_voice(database_url, note="steady")
    with begun(database_url) as connection:
        connection.execute(sa.delete(voice_texts))
    with closing(Database.open(database_url)) as database:
        (problem,) = problems(database)
        assert f"{voice} is not found by its words" in problem

        registry.edit(voice, note="steady again")

        assert problems(database) == []
    assert found(registry, "steady") == {voice}


# Of the letters that a search must not trip over, any text and any part.
TEXTS = st.text(LETTERS, max_size=12)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=4), searched=st.text(LETTERS, min_size=1, max_size=5)
)
def test_it_finds_what_looking_at_every_text_finds(
    registry: Registry, database_url: str, texts: list[str], searched: str
) -> None:
    for text in texts:
        insert_voice(database_url, note=text or None)
    parts = [text[at : at + 3] for text in texts for at in range(len(text))]
    everything = registry.voices()

    for wanted in [searched, *filter(None, parts)]:
        assert found(registry, wanted) == {
            voice.id
            for voice in everything
            if any(wanted.lower() in (getattr(voice, name) or "").lower() for name in SEARCHED)
        }, wanted
