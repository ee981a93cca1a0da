"""Where voices speak: who may, what they may say, and that they did."""

from __future__ import annotations

from voicereg.sandbox.errors import (
    invalid_parameter,
    speech_model_mismatch,
    speech_voice_gone,
    voice_not_ready,
)
from voicereg.sandbox.models import Catalogue, Speech
from voicereg.sandbox.provider import Provider, SandboxVoice
from voicereg.sandbox.review import OK, Review


class Booth:
    """Carries out what all ways to make a voice speak have in common.

    Args:
        provider: who keeps the voices.
        catalogue: the models that there are.
        review: who looks at texts first.
    """

    def __init__(self, provider: Provider, catalogue: Catalogue, review: Review) -> None:
        self._provider = provider
        self._catalogue = catalogue
        self._review = review

    def require_model(self, model: str, speech: Speech) -> None:
        """Refuse a model that there is not, or that is made to speak in another way.

        Raises:
            ApiError: ``Model.NotExist`` or ``InvalidParameter``.
        """
        self._catalogue.speaking(model, speech)

    def admit(self, model: str, voice_id: str, speech: Speech) -> SandboxVoice:
        """Return the voice of that id, sure to be able to speak now.

        Args:
            model: the model that shall speak with it.
            voice_id: the provider's id.
            speech: the way in which the model is called.

        Raises:
            ApiError: as for ``require_model``; ``BadRequest.VoiceNotFound``, a voice of the
                other family included; ``BadRequest.VoiceModelMismatch``; or
                ``InvalidParameter`` for a voice that is ``DEPLOYING`` or ``UNDEPLOYED``.
        """
        family = self._catalogue.speaking(model, speech).family
        voice = self._provider.find(voice_id, family)
        if voice is None:
            raise speech_voice_gone(voice_id)
        if voice.target_model != model:
            raise speech_model_mismatch(voice_id, model)
        if voice.status != OK:
            raise voice_not_ready(voice_id, voice.status)
        return voice

    def inspect(self, text: str) -> None:
        """Refuse a text that may not be spoken.

        Raises:
            ApiError: ``InvalidParameter`` for a blank one, ``DataInspectionFailed``.
        """
        if not text.strip():
            raise invalid_parameter("Please ensure input text is valid.")
        self._review.inspect(text)

    def spoke(self, voice_id: str, *, times: int = 1) -> None:
        """Note that a voice spoke to the end; ``times`` 0 for more of what was noted before."""
        self._provider.spoke(voice_id, times=times)
