"""Looking at a sandbox's voices, and changing them at the client's back."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import cycle, islice

from voicereg.sandbox.models import CLONED, DESIGNED, ORIGINS, Catalogue
from voicereg.sandbox.provider import NewVoice, Provider, SandboxVoice
from voicereg.sandbox.review import OK

#: How long a voice may stay unused before the provider deletes it, as documented.
IDLE_TIME = timedelta(days=365)


class Stock:
    """The part of a sandbox that is about its voices.

    Args:
        provider: who keeps them.
        catalogue: the models that there are.
    """

    def __init__(self, provider: Provider, catalogue: Catalogue) -> None:
        self._provider = provider
        self._catalogue = catalogue

    def voices(self, family: str | None = None) -> tuple[SandboxVoice, ...]:
        """Return all voices, or those of a family, in the order in which they were added.

        Raises:
            ValueError: an unknown family.
        """
        return self._provider.voices(family)

    def set_limit(self, family: str, limit: int) -> None:
        """Set how many voices a family may have from now on.

        Raises:
            ValueError: an unknown family, or a limit below 0.
        """
        self._provider.set_limit(family, limit)

    def add_voice(
        self,
        *,
        family: str,
        origin: str,
        target_model: str,
        name: str,
        prompt: str | None = None,
        created_at: datetime | None = None,
        preview_text: str | None = None,
        language: str | None = None,
        status: str = OK,
    ) -> SandboxVoice:
        """Add a voice as if another had made it: unchecked, and past the limit if need be.

        Args:
            family: ``cosyvoice`` or ``qwen-tts``.
            origin: ``designed`` or ``cloned``.
            target_model: any name.
            name: the ``prefix`` or ``preferred_name``.
            prompt: what it was designed from.
            created_at: when (aware); now where None.
            preview_text: what its preview says.
            language: its language code.
            status: ``DEPLOYING``, ``OK`` or ``UNDEPLOYED``, and it stays that.

        Raises:
            ValueError: an unknown family or origin, or a time without a zone.
        """
        new = NewVoice(
            family,
            origin,
            target_model,
            name,
            prompt,
            preview_text,
            language,
            resource_link=_recording(name) if origin == CLONED else None,
        )
        return self._provider.add(new, created_at=created_at, status=status)[0]

    def fill(self, family: str, count: int) -> tuple[SandboxVoice, ...]:
        """Add many voices at once, designed and cloned by turns, for all models by turns.

        Args:
            family: ``cosyvoice`` or ``qwen-tts``.
            count: how many, past the limit if need be.

        Raises:
            ValueError: an unknown family, or a count below 0.
        """
        models = {
            origin: cycle(self._catalogue.names(family, origin) or ("",)) for origin in ORIGINS
        }
        origins = islice(cycle(ORIGINS), count)
        news = [
            _filler(family, origin, next(models[origin]), number)
            for number, origin in enumerate(origins, 1)
        ]
        return self._provider.add(*news)

    def remove_voice(self, voice_id: str) -> bool:
        """Delete a voice as if another had done it; return whether it was there."""
        return self._provider.discard(voice_id)

    def delete_idle(self, older_than: timedelta = IDLE_TIME) -> tuple[SandboxVoice, ...]:
        """Delete voices as the provider does that nobody uses; return them.

        Args:
            older_than: those go that were neither made nor used for so long.
        """
        return self._provider.delete_idle(older_than)


def _filler(family: str, origin: str, target_model: str, number: int) -> NewVoice:
    name = f"fill{number}"
    if origin == DESIGNED:
        return NewVoice(
            family,
            origin,
            target_model,
            name,
            prompt=f"A calm voice, number {number} of many.",
            preview_text=f"This is voice number {number}.",
            language="en",
        )
    return NewVoice(family, origin, target_model, name, resource_link=_recording(name))


def _recording(name: str) -> str:
    return f"https://recordings.example/{name}.wav"
