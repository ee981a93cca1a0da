"""Qwen-TTS: ``qwen-voice-design`` manages designs, ``qwen-voice-enrollment`` clones.

Field names and actions are those of the provider's API reference for voice design.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voicereg.domain.designs import DesignRequest
from voicereg.domain.families import Family
from voicereg.domain.remote import RemoteVoice
from voicereg.domain.voices import Origin
from voicereg.provider.wires.base import (
    Body,
    ListingKind,
    both_readings,
    name_in,
    optional_text,
    parameters,
    required_text,
)

_MODELS = {Origin.DESIGNED: "qwen-voice-design", Origin.CLONED: "qwen-voice-enrollment"}
_BEGINNINGS = {Origin.DESIGNED: "qwen-tts-vd-", Origin.CLONED: "qwen-tts-vc-"}


class QwenWire:
    """The Qwen-TTS family. Its voices have no review status."""

    id_field = "voice"
    listings = (
        ListingKind(
            model=_MODELS[Origin.DESIGNED],
            action="list",
            origins=frozenset({Origin.DESIGNED}),
            has_total=True,
            last_page_index=200,
        ),
        ListingKind(
            model=_MODELS[Origin.CLONED],
            action="list",
            origins=frozenset({Origin.CLONED}),
            has_total=False,
            last_page_index=None,
        ),
    )

    def create_body(self, request: DesignRequest) -> Body:
        """``create``."""
        fields: dict[str, Any] = {
            "action": "create",
            "target_model": request.target_model,
            "voice_prompt": request.prompt,
            "preview_text": request.preview_text,
            "preferred_name": request.name,
        }
        if request.language is not None:
            fields["language"] = request.language
        return {
            "model": _MODELS[Origin.DESIGNED],
            "input": fields,
            "parameters": parameters(request),
        }

    def item(self, item: Mapping[str, Any], kind: ListingKind) -> RemoteVoice:
        """An item of the listing of designs or of clones."""
        (origin,) = kind.origins
        return self._voice(item, required_text(item, self.id_field), origin)

    def query_body(self, voice_id: str, origin: Origin) -> Body:
        """``query``, which only designs have."""
        return {"model": _MODELS[origin], "input": {"action": "query", "voice": voice_id}}

    def queried(self, output: Mapping[str, Any], voice_id: str, origin: Origin) -> RemoteVoice:
        """Some documented answers leave out the prompt and the preview text."""
        return self._voice(output, voice_id, origin)

    def delete_body(self, voice_id: str, origin: Origin) -> Body:
        """``delete``, under the model that manages the voice's origin."""
        return {"model": _MODELS[origin], "input": {"action": "delete", "voice": voice_id}}

    def _voice(self, fields: Mapping[str, Any], voice_id: str, origin: Origin) -> RemoteVoice:
        earliest, latest = both_readings(fields, "gmt_create")
        beginning = _BEGINNINGS[origin]
        named = voice_id.startswith(beginning)
        return RemoteVoice(
            voice_id=voice_id,
            family=Family.QWEN_TTS,
            origin=origin,
            target_model=optional_text(fields, "target_model"),
            status=None,
            prompt=optional_text(fields, "voice_prompt"),
            preview_text=optional_text(fields, "preview_text"),
            language=optional_text(fields, "language"),
            created_at=earliest,
            created_at_latest=latest,
            name=name_in(voice_id.removeprefix(beginning)) if named else None,
        )
