"""A design that goes well, from the slot to a usable voice."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START
from tests.registry.rows import COSYVOICE, QWEN, row_of
from tests.registry.support import COSY, DESIGNS, FakeProvider, made
from voicereg import DeadlineBasis, DesignStage, NoPreview, Origin, Registry, State, Voice
from voicereg.sandbox import Sandbox
from voicereg.sandbox.audio import preview_audio


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
def test_a_design_becomes_a_usable_voice(registry: Registry, sandbox: Sandbox, family: str) -> None:
    asked = DESIGNS[family]
    voice = registry.design(**asked)
    (there,) = sandbox.voices()
    assert voice.state is State.ACTIVE
    assert voice.voice_id == there.voice_id
    assert voice.family.value == family
    for field in ("target_model", "name", "prompt", "preview_text"):
        assert getattr(voice, field) == getattr(there, field) == asked[field]
    assert voice.origin is Origin.DESIGNED
    assert voice.account == "default"
    assert voice.created_at == START
    assert voice.deadline_at == START + timedelta(days=365)
    assert voice.deadline_basis is DeadlineBasis.CREATED
    assert (voice.last_used_at, voice.gone_at, voice.replaces) == (None, None, None)
    assert (voice.lease_holder, voice.lease_expires_at) == (None, None)
    assert voice.request_id
    assert registry.voice(voice.id) == voice


@pytest.mark.parametrize("family", [COSYVOICE, QWEN])
@pytest.mark.parametrize(("sample_rate", "response_format"), [(None, None), (16000, "mp3")])
def test_the_preview_is_kept_as_it_came(
    registry: Registry, family: str, sample_rate: int | None, response_format: str | None
) -> None:
    voice = registry.design(
        **DESIGNS[family], sample_rate=sample_rate, response_format=response_format
    )
    assert voice.voice_id is not None
    of, preview = registry.preview(voice.id)
    assert of == voice
    # The sandbox makes its audio from the id, so what it sent can be told again.
    wanted = (sample_rate or 24000, response_format or "wav")
    assert preview.data == preview_audio(voice.voice_id, *wanted)
    assert (preview.sample_rate, preview.response_format) == wanted
    assert preview.kept_at == START


def test_the_languages_of_both_families_reach_the_provider(
    registry: Registry, sandbox: Sandbox
) -> None:
    for family in (COSYVOICE, QWEN):
        voice = registry.design(**DESIGNS[family], language="en")
        assert voice.language == "en"
    assert [voice.language for voice in sandbox.voices()] == ["en", "en"]


def test_labels_are_kept_here_and_not_sent(registry: Registry, sandbox: Sandbox) -> None:
    voice = registry.design(
        **COSY,
        tags={"show": "evening-news", "where": "主播"},
        owner="radio-team",
        note="for the autumn",
        pin=True,
    )
    assert voice.tags == {"show": "evening-news", "where": "主播"}
    assert (voice.owner, voice.note, voice.pinned) == ("radio-team", "for the autumn", True)
    sent = str([request.body for request in sandbox.requests])
    for label in ("evening-news", "主播", "radio-team", "autumn"):
        assert label not in sent


def test_the_events_of_a_design(registry: Registry) -> None:
    voice = registry.design(**COSY)
    created, confirmed, reviewed = reversed(registry.events())
    assert [event.action for event in (created, confirmed, reviewed)] == [
        "voice.create",
        "voice.confirm",
        "voice.review",
    ]
    assert {event.voice for event in (created, confirmed, reviewed)} == {voice.id}
    assert created.before == {}
    assert created.after["state"] == "creating"
    assert confirmed.before["state"] == "creating"
    assert confirmed.after["state"] == "pending"
    assert confirmed.after["voice_id"] == voice.voice_id
    assert (reviewed.before, reviewed.after) == ({"state": "pending"}, {"state": "active"})


def test_stages_are_told_as_they_are_reached(registry: Registry) -> None:
    stages: list[tuple[DesignStage, State]] = []
    registry.design(**COSY, on_stage=lambda stage, voice: stages.append((stage, voice.state)))
    assert stages == [
        (DesignStage.RECORDED, State.CREATING),
        (DesignStage.MADE, State.PENDING),
        (DesignStage.REVIEWED, State.ACTIVE),
    ]


def test_a_family_without_a_review_has_no_such_stage(registry: Registry, sandbox: Sandbox) -> None:
    stages: list[DesignStage] = []
    registry.design(**DESIGNS[QWEN], on_stage=lambda stage, voice: stages.append(stage))
    assert stages == [DesignStage.RECORDED, DesignStage.MADE]
    assert [request.action for request in sandbox.requests] == ["create"]


def test_one_who_watches_and_fails_loses_no_voice(registry: Registry) -> None:
    def watch(stage: DesignStage, voice: Voice) -> None:
        if stage is DesignStage.MADE:
            raise RuntimeError("the terminal went away")

    with pytest.raises(RuntimeError, match="terminal"):
        registry.design(**COSY, on_stage=watch)
    (voice,) = registry.voices()
    assert voice.state is State.PENDING
    assert voice.voice_id is not None


def test_a_voice_without_preview_audio_is_recorded_all_the_same(
    open_registry: OpenRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    fake = FakeProvider(create=lambda asked: made(preview_problem="no audio in the answer"))
    registry = open_registry(client_factory=fake.factory())
    voice = registry.design(**COSY, wait=timedelta(0))
    assert voice.state is State.PENDING
    assert "no audio in the answer" in caplog.text
    with pytest.raises(NoPreview) as missing:
        registry.preview(voice.id)
    assert missing.value.voice == voice


def test_the_model_that_the_provider_names_is_the_one_recorded(
    open_registry: OpenRegistry,
) -> None:
    """A voice speaks only with the model it is bound to, whatever was asked for."""
    fake = FakeProvider(create=lambda asked: made(target_model="cosyvoice-v3.5-plus-2026"))
    registry = open_registry(client_factory=fake.factory())
    assert registry.design(**COSY, wait=timedelta(0)).target_model == "cosyvoice-v3.5-plus-2026"


def test_registry_ids_are_short_and_begin_with_a_letter(registry: Registry) -> None:
    ids = {registry.reserve(**COSY).voice.id for _ in range(20)}
    assert len(ids) == 20
    for voice in ids:
        assert len(voice) == 12
        assert voice[0].isalpha()
        assert not set(voice) & set("ilou"), "letters that are taken for others"


def test_times_come_out_of_the_database_as_they_went_in(
    registry: Registry, database_url: str
) -> None:
    voice = registry.design(**COSY)
    row = row_of(database_url, voice.id)
    for column in ("created_at", "deadline_at", "updated_at"):
        assert getattr(row, column) == getattr(voice, column)
        assert getattr(row, column).utcoffset() == timedelta(0)


def test_the_voice_of_json_output(registry: Registry, clock: Any) -> None:
    voice = registry.design(**COSY, tags={"a": "b"})
    clock.advance(timedelta(days=5, seconds=1))
    shown = voice.as_dict(registry.now())
    assert shown["days_left"] == 359
    assert shown["tags"] == {"a": "b"}
    assert dataclasses.asdict(voice)["id"] == shown["id"]
