"""The actions of CosyVoice's management model, ``voice-enrollment``.

Designs and clones go through it together. Fields and answers as in the provider's API
reference for CosyVoice voice cloning and design.
"""

from __future__ import annotations

from typing import Any

from voicereg.sandbox.customization import Action
from voicereg.sandbox.errors import cosyvoice_voice_gone, invalid_parameter
from voicereg.sandbox.fields import Fields
from voicereg.sandbox.models import CLONED, COSYVOICE, DESIGNED, Catalogue
from voicereg.sandbox.provider import NewVoice, Provider, SandboxVoice
from voicereg.sandbox.rules import (
    COSYVOICE_RULES,
    read_language,
    read_name,
    read_page,
    read_preview_text,
    read_prompt,
    read_sound,
)
from voicereg.sandbox.studio import Studio


class VoiceEnrollment:
    """Handles requests for the model ``voice-enrollment``.

    Args:
        provider: who keeps the voices.
        studio: where they are made.
        catalogue: the models that there are.
    """

    def __init__(self, provider: Provider, studio: Studio, catalogue: Catalogue) -> None:
        self._provider = provider
        self._studio = studio
        self._catalogue = catalogue

    def actions(self) -> dict[str, Action]:
        """Return the handler of each action, by the action's name."""
        return {
            "create_voice": self._create,
            "list_voice": self._list,
            "query_voice": self._query,
            "update_voice": self._update,
            "delete_voice": self._delete,
        }

    def _create(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        # An empty url is no url: the official SDK's method cannot leave it out of a design.
        designs, clones = fields.has("voice_prompt"), fields.has("url")
        if designs and clones:
            raise invalid_parameter(
                "input.voice_prompt makes a design and input.url a clone: give one of them."
            )
        if clones:
            return self._clone(fields)
        return self._design(fields, parameters)

    def _design(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        model = self._catalogue.target(fields.text("target_model"), COSYVOICE, DESIGNED)
        prompt = read_prompt(fields, COSYVOICE_RULES)
        preview_text = read_preview_text(fields, COSYVOICE_RULES)
        name = read_name(fields, COSYVOICE_RULES)
        # "Only the first counts", says the API reference: the others are not even looked at.
        hint = next(iter(fields.texts("language_hints")), None)
        language = read_language(hint, fields.name_of("language_hints"), COSYVOICE_RULES)
        sound = read_sound(parameters, COSYVOICE_RULES)
        voice = self._studio.make(
            NewVoice(COSYVOICE, DESIGNED, model.name, name, prompt, preview_text, language)
        )
        return {
            "voice_id": voice.voice_id,
            "target_model": voice.target_model,
            "preview_audio": self._studio.preview(voice, sound),
        }

    def _clone(self, fields: Fields) -> dict[str, Any]:
        model = self._catalogue.target(fields.text("target_model"), COSYVOICE, CLONED)
        name = read_name(fields, COSYVOICE_RULES)
        # Clones speak more languages than designs, and the list differs by model.
        language = next(iter(fields.texts("language_hints")), None)
        voice = self._studio.make(
            NewVoice(
                COSYVOICE,
                CLONED,
                model.name,
                name,
                language=language,
                resource_link=fields.text("url"),
            )
        )
        return {"voice_id": voice.voice_id}

    def _list(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        page = read_page(fields, COSYVOICE_RULES)
        voices, _ = self._provider.page(
            family=COSYVOICE,
            name_prefix=fields.optional_text("prefix") or "",
            index=page.index,
            size=page.size,
        )
        return {"voice_list": [self._item(voice) for voice in voices]}

    def _query(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        voice = self._found(fields.text("voice_id"))
        details = {**self._item(voice), "target_model": voice.target_model}
        if voice.origin == CLONED:
            details["resource_link"] = voice.resource_link
        return details

    def _update(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        voice = self._found(fields.text("voice_id"))
        if voice.origin != CLONED:
            raise invalid_parameter("Only a cloned voice can be updated.")
        if not fields.has("url"):
            raise invalid_parameter("input.url is required.")
        if not self._provider.relink(voice.voice_id, COSYVOICE, fields.text("url")):
            raise cosyvoice_voice_gone(voice.voice_id)
        return {}

    def _delete(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        voice_id = fields.text("voice_id")
        if not self._provider.remove(voice_id, COSYVOICE):
            raise cosyvoice_voice_gone(voice_id)
        return {}

    def _found(self, voice_id: str) -> SandboxVoice:
        voice = self._provider.find(voice_id, COSYVOICE)
        if voice is None:
            raise cosyvoice_voice_gone(voice_id)
        return voice

    def _item(self, voice: SandboxVoice) -> dict[str, Any]:
        item = {
            "voice_id": voice.voice_id,
            "gmt_create": self._provider.local_text(voice.created_at),
            "gmt_modified": self._provider.local_text(voice.modified_at),
            "status": voice.status,
        }
        if voice.prompt is not None:
            item["voice_prompt"] = voice.prompt
        if voice.preview_text is not None:
            item["preview_text"] = voice.preview_text
        return item
