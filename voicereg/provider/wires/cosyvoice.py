"""CosyVoice: ``voice-enrollment`` manages designs and clones together.

Field names and actions are those of the provider's API reference for voice design.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voicereg.domain.designs import DesignRequest
from voicereg.domain.families import Family
from voicereg.domain.remote import RemoteVoice, ReviewStatus
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

_MODEL = "voice-enrollment"
_DESIGN_MARK = "-vd-"


class CosyVoiceWire:
    """The CosyVoice family, which the ``qwen-audio-*`` models belong to as well."""

    id_field = "voice_id"
    listings = (
        ListingKind(
            model=_MODEL,
            action="list_voice",
            origins=frozenset({Origin.DESIGNED, Origin.CLONED}),
            has_total=False,
            last_page_index=None,
        ),
    )

    def create_body(self, request: DesignRequest) -> Body:
        """``create_voice`` with a prompt; the one language is a list of hints."""
        fields: dict[str, Any] = {
            "action": "create_voice",
            "target_model": request.target_model,
            "voice_prompt": request.prompt,
            "preview_text": request.preview_text,
            "prefix": request.name,
        }
        if request.language is not None:
            fields["language_hints"] = [request.language]
        return {"model": _MODEL, "input": fields, "parameters": parameters(request)}

    def item(self, item: Mapping[str, Any], kind: ListingKind) -> RemoteVoice:
        """An item has no target model: it is the beginning of a design's id."""
        return self._voice(item, required_text(item, self.id_field))

    def query_body(self, voice_id: str, origin: Origin) -> Body:
        """``query_voice``."""
        return {"model": _MODEL, "input": {"action": "query_voice", "voice_id": voice_id}}

    def queried(self, output: Mapping[str, Any], voice_id: str, origin: Origin) -> RemoteVoice:
        """A query's answer may leave out the id that was asked for."""
        return self._voice(output, voice_id)

    def delete_body(self, voice_id: str, origin: Origin) -> Body:
        """``delete_voice``."""
        return {"model": _MODEL, "input": {"action": "delete_voice", "voice_id": voice_id}}

    def _voice(self, fields: Mapping[str, Any], voice_id: str) -> RemoteVoice:
        prompt = optional_text(fields, "voice_prompt")
        model, mark, rest = voice_id.partition(_DESIGN_MARK)
        # A clone may be called "vd", and then has nothing but what makes its id unique after that.
        is_design = bool(mark) and name_in(rest) is not None
        target_model = optional_text(fields, "target_model") or (model if is_design else None)
        if not is_design and target_model is not None and voice_id.startswith(f"{target_model}-"):
            rest = voice_id.removeprefix(f"{target_model}-")
        earliest, latest = both_readings(fields, "gmt_create")
        status = optional_text(fields, "status")
        return RemoteVoice(
            voice_id=voice_id,
            family=Family.COSYVOICE,
            origin=Origin.DESIGNED if prompt is not None or is_design else Origin.CLONED,
            target_model=target_model,
            status=ReviewStatus(status) if status in set(ReviewStatus) else None,
            prompt=prompt,
            preview_text=optional_text(fields, "preview_text"),
            language=None,
            created_at=earliest,
            created_at_latest=latest,
            name=name_in(rest),
        )
