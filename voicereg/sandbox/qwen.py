"""The actions of Qwen-TTS's management models.

``qwen-voice-design`` knows designs only and ``qwen-voice-enrollment`` clones only, as in
the provider's API references for Qwen voice design and Qwen voice cloning.
"""

from __future__ import annotations

from typing import Any

from voicereg.sandbox.customization import Action
from voicereg.sandbox.errors import (
    invalid_parameter,
    qwen_delete_voice_gone,
    qwen_query_voice_gone,
)
from voicereg.sandbox.fields import Fields
from voicereg.sandbox.models import CLONED, DESIGNED, QWEN_TTS, Catalogue
from voicereg.sandbox.provider import NewVoice, Provider, SandboxVoice
from voicereg.sandbox.rules import (
    QWEN_RULES,
    read_language,
    read_name,
    read_page,
    read_preview_text,
    read_prompt,
    read_sound,
)
from voicereg.sandbox.studio import Studio


class QwenVoiceDesign:
    """Handles requests for the model ``qwen-voice-design``.

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
            "create": self._create,
            "list": self._list,
            "query": self._query,
            "delete": self._delete,
        }

    def _create(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        model = self._catalogue.target(fields.text("target_model"), QWEN_TTS, DESIGNED)
        prompt = read_prompt(fields, QWEN_RULES)
        preview_text = read_preview_text(fields, QWEN_RULES)
        name = read_name(fields, QWEN_RULES)
        language = read_language(
            fields.optional_text("language"), fields.name_of("language"), QWEN_RULES
        )
        sound = read_sound(parameters, QWEN_RULES)
        voice = self._studio.make(
            NewVoice(QWEN_TTS, DESIGNED, model.name, name, prompt, preview_text, language)
        )
        return {
            "voice": voice.voice_id,
            "target_model": voice.target_model,
            "preview_audio": self._studio.preview(voice, sound),
        }

    def _list(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        return _listing(self._provider, fields, DESIGNED, with_total=True)

    def _query(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        voice_id = fields.text("voice")
        voice = self._provider.find(voice_id, QWEN_TTS, DESIGNED)
        if voice is None:
            raise qwen_query_voice_gone(voice_id)
        return _item(self._provider, voice)

    def _delete(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        return _deletion(self._provider, fields, DESIGNED)


class QwenVoiceEnrollment:
    """Handles requests for the model ``qwen-voice-enrollment``, which has no query.

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
        return {"create": self._create, "list": self._list, "delete": self._delete}

    def _create(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        model = self._catalogue.target(fields.text("target_model"), QWEN_TTS, CLONED)
        name = read_name(fields, QWEN_RULES)
        audio = fields.object("audio")
        if not audio.has("data"):
            raise invalid_parameter("input.audio.data is required.")
        voice = self._studio.make(
            NewVoice(
                QWEN_TTS,
                CLONED,
                model.name,
                name,
                language=fields.optional_text("language"),
                resource_link=audio.text("data"),
            )
        )
        return {"voice": voice.voice_id, "target_model": voice.target_model}

    def _list(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        return _listing(self._provider, fields, CLONED, with_total=False)

    def _delete(self, fields: Fields, parameters: Fields) -> dict[str, Any]:
        return _deletion(self._provider, fields, CLONED)


def _listing(
    provider: Provider, fields: Fields, origin: str, *, with_total: bool
) -> dict[str, Any]:
    page = read_page(fields, QWEN_RULES)
    voices, total = provider.page(family=QWEN_TTS, origin=origin, index=page.index, size=page.size)
    listing: dict[str, Any] = {"page_index": page.index, "page_size": page.size}
    if with_total:
        listing["total_count"] = total
    listing["voice_list"] = [_item(provider, voice) for voice in voices]
    return listing


def _deletion(provider: Provider, fields: Fields, origin: str) -> dict[str, Any]:
    voice_id = fields.text("voice")
    if not provider.remove(voice_id, QWEN_TTS, origin):
        raise qwen_delete_voice_gone(voice_id)
    return {"voice": voice_id}


def _item(provider: Provider, voice: SandboxVoice) -> dict[str, Any]:
    item = {
        "voice": voice.voice_id,
        "target_model": voice.target_model,
        "gmt_create": provider.local_text(voice.created_at),
        "gmt_modified": provider.local_text(voice.modified_at),
    }
    optional = {
        "language": voice.language,
        "voice_prompt": voice.prompt,
        "preview_text": voice.preview_text,
    }
    return item | {field: text for field, text in optional.items() if text is not None}
