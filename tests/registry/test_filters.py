"""Which voices are listed: each filter, and several together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import START
from tests.registry.rows import COSYVOICE, QWEN, insert_voice
from tests.registry.support import add_account
from voicereg import AccountNotFound, Family, InvalidInput, Origin, Registry, State
from voicereg.domain.states import GONE, HOLDING


def listed(registry: Registry, **wanted: Any) -> set[str]:
    """The names of the voices that fit, which must be the same listed and streamed."""
    voices = registry.voices(**wanted)
    assert list(registry.iter_voices(**wanted)) == voices
    return {voice.name for voice in voices}


# Each is read from one database: nothing is changed by looking.
FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"a", "b", "c"}),
    ({"family": COSYVOICE}, {"a", "c"}),
    ({"family": Family.QWEN_TTS}, {"b"}),
    ({"target_model": "cosyvoice-v3-flash"}, {"c"}),
    ({"target_model": "cosyvoice"}, set()),
    ({"owner": "radio"}, {"a", "b"}),
    ({"owner": "Radio"}, set()),
    ({"owner": "rad"}, set()),
    ({"origin": "cloned"}, {"b"}),
    ({"origin": Origin.DESIGNED}, {"a", "c"}),
    ({"pinned": True}, {"c"}),
    ({"pinned": False}, {"a", "b"}),
    ({"states": ["pending"]}, {"c"}),
    ({"states": [State.PENDING, State.ACTIVE]}, {"a", "b", "c"}),
    ({"states": []}, set()),
    ({"family": COSYVOICE, "owner": "radio"}, {"a"}),
    ({"family": COSYVOICE, "pinned": True, "states": ["pending"], "search": "C"}, {"c"}),
    ({"family": QWEN, "pinned": True}, set()),
]


def test_each_filter_and_several(registry: Registry, database_url: str) -> None:
    insert_voice(database_url, name="a", owner="radio")
    insert_voice(database_url, name="b", owner="radio", family=QWEN, origin="cloned")
    insert_voice(
        database_url,
        name="c",
        target_model="cosyvoice-v3-flash",
        pinned=True,
        state=State.PENDING,
    )
    for wanted, names in FILTERS:
        assert listed(registry, **wanted) == names, wanted


def test_gone_voices_only_when_asked_for(registry: Registry, database_url: str) -> None:
    for state in State:
        insert_voice(database_url, state=state, name=state.value)
    assert listed(registry) == {state.value for state in HOLDING}
    assert listed(registry, with_gone=True) == {state.value for state in State}
    for gone in GONE:
        assert listed(registry, states=[gone]) == {gone.value}
    assert listed(registry, states=["lost", "active"], with_gone=True) == {"lost", "active"}


BY_TAGS: list[tuple[dict[str, str | None], set[str]]] = [
    ({"show": None}, {"a", "b"}),
    ({"show": "news"}, {"a"}),
    ({"show": "NEWS"}, set()),
    ({"show": "news", "url": None}, {"a"}),
    ({"show": "late", "url": None}, set()),
    ({"url": "x=1&y=2"}, {"a"}),
    ({"url": "x"}, set()),
    ({"empty": ""}, {"b"}),
    ({"节目": "新闻"}, {"b"}),
    ({}, {"a", "b", "c"}),
]


def test_tags(registry: Registry, database_url: str) -> None:
    for name, own in {
        "a": {"show": "news", "url": "x=1&y=2"},
        "b": {"show": "late", "empty": "", "节目": "新闻"},
        "c": {},
    }.items():
        registry.edit(insert_voice(database_url, name=name), tags=own)
    for tags, names in BY_TAGS:
        assert listed(registry, tags=tags) == names, tags


SEARCHES = [
    ("composed", {"a"}),
    ("COMPOSED", {"a"}),
    ("主播", {"b"}),
    ("É", {"b"}),
    ("ä", {"c"}),
    ("晚间新闻", {"c"}),
    ("needle", {"a", "b", "c", "d"}),
    ("100%", {"d"}),
    ("%", {"d"}),
    ("_", {"d"}),
    ("a/b", {"d"}),
    ("'; DROP", {"d"}),
    ("\\", {"d"}),
    ("nothing like it", set()),
    ("", {"a", "b", "c", "d"}),
]


def test_search(registry: Registry, database_url: str) -> None:
    """In the name, the prompt, the preview text, the note and the voice id; literally."""
    insert_voice(
        database_url, name="a", voice_id="id-1", prompt="A Composed voice", note="the needle"
    )
    insert_voice(
        database_url, name="b", voice_id="id-needle", prompt="沉稳的男主播", preview_text="café"
    )
    insert_voice(
        database_url, name="c", voice_id="id-3", prompt="NEEDLE Ärger", preview_text="晚间新闻"
    )
    insert_voice(
        database_url,
        name="d",
        voice_id="id-4",
        prompt="needle",
        note="100% a_b a/b '; DROP TABLE voices; -- \\",
    )
    for search, names in SEARCHES:
        assert listed(registry, search=search) == names, search


def test_search_finds_a_name(registry: Registry, database_url: str) -> None:
    insert_voice(database_url, name="Announcer")
    insert_voice(database_url, name="other")
    assert listed(registry, search="nounc") == {"Announcer"}


def test_search_does_not_mind_what_is_not_there(registry: Registry, database_url: str) -> None:
    """A clone has no prompt, a failed create no id."""
    insert_voice(
        database_url, name="bare", state=State.FAILED, prompt=None, preview_text=None, note=None
    )
    assert listed(registry, search="BARE", with_gone=True) == {"bare"}
    assert listed(registry, search="x", with_gone=True) == set()


UNUSED_FOR = [
    (timedelta(0), {"old", "used", "new"}),
    (timedelta(days=10), {"old", "used"}),
    (timedelta(days=10, microseconds=1), {"old"}),
    (timedelta(days=300), {"old"}),
    (timedelta(days=300, microseconds=1), set()),
    (timedelta(days=-1), {"old", "used", "new"}),
]


def test_unused_for_counts_from_the_last_activity(registry: Registry, database_url: str) -> None:
    insert_voice(database_url, name="old", created_at=START - timedelta(days=300))
    insert_voice(
        database_url,
        name="used",
        created_at=START - timedelta(days=300),
        last_used_at=START - timedelta(days=10),
        deadline_basis="used",
    )
    insert_voice(database_url, name="new")
    for unused_for, names in UNUSED_FOR:
        assert listed(registry, unused_for=unused_for) == names, unused_for


@pytest.mark.parametrize(
    "wrong",
    [
        {"family": "qwen"},
        {"states": ["gone"]},
        {"states": ["active", ""]},
        {"origin": "imported"},
        {"sort": "size"},
        {"limit": -1},
        {"offset": -1},
        {"unused_for": timedelta.max},
    ],
)
def test_what_is_no_filter_is_refused(registry: Registry, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        registry.voices(**wrong)


def test_a_stream_refuses_before_its_first_voice(registry: Registry) -> None:
    with pytest.raises(InvalidInput):
        registry.iter_voices(family="qwen")


def test_of_one_account_of_another_and_of_all(registry: Registry, database_url: str) -> None:
    add_account(registry, "studio", quota_group="default")
    insert_voice(database_url, name="here")
    insert_voice(database_url, name="there", account="studio")
    assert listed(registry) == {"here"}
    assert listed(registry, account="studio") == {"there"}
    assert listed(registry, account=registry.ALL_ACCOUNTS) == {"here", "there"}
    with pytest.raises(AccountNotFound):
        registry.voices(account="nobody")
    with pytest.raises(AccountNotFound):
        next(registry.iter_voices(account="nobody"))
