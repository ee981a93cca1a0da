"""Texts from users and from the provider that try to be more than text."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.registry.rows import counts, insert_voice
from tests.registry.support import COSY, QWEN, FakeProvider, made
from voicereg import InvalidInput, Registry, State, VoiceNotFound
from voicereg.sandbox import Sandbox

UNSTORABLE = {"NUL": "a\x00b", "half a pair": "a\ud83db"}

INJECTIONS = [
    "'; DROP TABLE voices; --",
    '"; DELETE FROM events; --',
    "' OR '1'='1",
    "Robert'); --",
    "%s %(name)s :name ? {0} $1",
    "back\\slash \\' \\x27",
    "100% _like_ [a-z]*",
    "emoji 🎙️ 主播 é e\u0301",
    "tab\tnew\nline",
]

FIELDS = ["target_model", "prompt", "preview_text", "name", "language", "response_format"]


@pytest.mark.parametrize("text", INJECTIONS)
def test_every_text_comes_back_as_it_went_in(
    registry: Registry, database_url: str, text: str
) -> None:
    asked: dict[str, Any] = dict.fromkeys(FIELDS, text)
    key = text.replace("=", "-").strip()
    slot = registry.reserve(
        **asked, family="qwen-tts", unchecked=True, owner=text, note=text, tags={key: text}
    )
    voice = slot.confirm("an-id", request_id=text)
    for field in (*FIELDS, "owner", "note", "request_id"):
        assert getattr(voice, field) == text
    assert voice.tags == {key: text}
    assert registry.voice("an-id") == voice
    for wanted in (
        {"owner": text},
        {"search": text},
        {"target_model": text},
        {"tags": {key: text}},
    ):
        filters: dict[str, Any] = wanted
        assert registry.voices(**filters) == [voice]
    created = registry.events()[1]
    for field in (*FIELDS, "owner", "note"):
        assert created.after[field] == text
    assert counts(database_url) == (1, 2, 0)


@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
def test_what_no_database_holds_is_refused_before_it(
    registry: Registry, sandbox: Sandbox, database_url: str, text: str
) -> None:
    asking: list[Any] = [registry.reserve, registry.design, registry.check_design]
    for field in (*FIELDS, "owner", "note"):
        asked = COSY | {"family": "cosyvoice", "unchecked": True, field: text}
        for ask in asking:
            with pytest.raises(InvalidInput):
                ask(**asked)
    assert counts(database_url) == (0, 0, 0)
    assert sandbox.requests == ()


@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
def test_in_labels_as_well(registry: Registry, database_url: str, text: str) -> None:
    voice = insert_voice(database_url)
    for label in ({"owner": text}, {"note": text}, {"tags": {text: ""}}, {"tags": {"k": text}}):
        changed: dict[str, Any] = label
        with pytest.raises(InvalidInput):
            registry.edit(voice, **changed)
        with pytest.raises(InvalidInput):
            registry.reserve(**QWEN, **changed)
    assert counts(database_url) == (1, 0, 0)


@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
def test_as_a_reference_it_is_simply_not_found(registry: Registry, text: str) -> None:
    for ask in (registry.voice, registry.delete, registry.check_delete, registry.preview):
        with pytest.raises(VoiceNotFound):
            ask(text)
    with pytest.raises(VoiceNotFound):
        registry.edit(text, owner="me")
    with pytest.raises(VoiceNotFound):
        registry.events(voice=text)


@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
def test_in_a_filter_it_is_refused(registry: Registry, text: str) -> None:
    filters: list[dict[str, Any]] = [
        {"search": text},
        {"owner": text},
        {"target_model": text},
        {"tags": {text: None}},
        {"tags": {"k": text}},
    ]
    for wanted in filters:
        with pytest.raises(InvalidInput):
            registry.voices(**wanted)
        with pytest.raises(InvalidInput):
            registry.iter_voices(**wanted)


@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
def test_untag_of_what_cannot_be_there_changes_nothing(
    registry: Registry, database_url: str, text: str
) -> None:
    voice = insert_voice(database_url)
    registry.edit(voice, untag=[text])
    assert counts(database_url) == (1, 0, 0)


@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
def test_a_reason_that_cannot_be_kept_does_not_cost_the_slot(registry: Registry, text: str) -> None:
    """The word is mended; the release is what counts."""
    voice = registry.reserve(**QWEN).release(text)
    assert voice.state is State.FAILED
    assert registry.voice(voice.id) == voice
    assert "\x00" not in str(voice.state_reason)


@pytest.mark.parametrize("text", UNSTORABLE.values(), ids=UNSTORABLE)
@pytest.mark.parametrize("field", ["request_id", "target_model"])
def test_what_the_provider_adds_does_not_cost_the_voice(
    open_registry: OpenRegistry, field: str, text: str
) -> None:
    """The voice exists and its id is good: that is what must be recorded."""
    fake = FakeProvider(create=lambda asked: made("qwen-made", **{field: text}))
    registry = open_registry(client_factory=fake.factory())
    voice = registry.design(**QWEN)
    assert voice.state is State.ACTIVE
    assert registry.voice("qwen-made") == voice


@pytest.mark.parametrize("injection", ["'; DROP TABLE voices; --", "1 OR 1=1", "%", "*"])
def test_an_account_or_a_family_is_no_statement(registry: Registry, injection: str) -> None:
    for broken in ({"account": injection}, {"sort": injection}, {"family": injection}):
        filters: dict[str, Any] = broken
        if broken == {"account": registry.ALL_ACCOUNTS}:
            continue
        with pytest.raises(Exception, match=r"no account|must be one of"):
            registry.voices(**filters)
