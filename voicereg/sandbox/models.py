"""The speech models a voice can be made for, and what each family and region offers.

From the model tables of the provider's public documentation, November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from voicereg.sandbox.errors import invalid_parameter, model_not_exist

COSYVOICE = "cosyvoice"
QWEN_TTS = "qwen-tts"
#: The two families, each with a voice quota of its own.
FAMILIES = (COSYVOICE, QWEN_TTS)

DESIGNED = "designed"
CLONED = "cloned"
#: How a voice can come about.
ORIGINS = (DESIGNED, CLONED)

#: Where voices can be designed. Nothing documented limits cloning.
DESIGN_REGIONS = {
    COSYVOICE: frozenset({"cn-beijing"}),
    QWEN_TTS: frozenset({"cn-beijing", "ap-southeast-1"}),
}


def require_family(family: str) -> None:
    """Refuse what is no family.

    Raises:
        ValueError: it is none; the message names them.
    """
    if family not in FAMILIES:
        raise ValueError(f"unknown family {family!r}: one of {', '.join(FAMILIES)}")


class Speech(Enum):
    """How a model is made to speak."""

    #: ``POST …/multimodal-generation/generation``.
    GENERATION = "the multimodal-generation endpoint"
    #: The WebSocket ``/inference``, or ``POST …/audio/tts/SpeechSynthesizer``.
    INFERENCE = "the WebSocket /inference or the SpeechSynthesizer endpoint"
    #: The WebSocket ``/realtime``.
    REALTIME = "the WebSocket /realtime"
    #: A dialogue over the WebSocket, which the sandbox does not offer.
    DIALOGUE = "a dialogue API that is not offered here"


@dataclass(frozen=True, slots=True)
class TargetModel:
    """A speech model that voices are made for.

    Attributes:
        name: as a request's ``target_model`` gives it.
        family: ``cosyvoice`` or ``qwen-tts``, which is the quota its voices count against.
        designs: whether a voice can be designed for it.
        clones: whether a voice can be cloned for it.
    """

    name: str
    family: str
    designs: bool
    clones: bool

    @property
    def speech(self) -> Speech:
        """How it is made to speak, as its name tells."""
        realtime = "-realtime" in self.name
        if self.family == COSYVOICE:
            return Speech.DIALOGUE if realtime else Speech.INFERENCE
        return Speech.REALTIME if realtime else Speech.GENERATION


_MODELS = (
    *(
        TargetModel(name, COSYVOICE, designs=True, clones=True)
        for name in (
            "cosyvoice-v3.5-plus",
            "cosyvoice-v3.5-flash",
            "cosyvoice-v3-plus",
            "cosyvoice-v3-flash",
            "qwen-audio-3.0-tts-plus",
            "qwen-audio-3.0-tts-flash",
            "qwen-audio-3.1-tts-flash",
        )
    ),
    *(
        TargetModel(name, COSYVOICE, designs=False, clones=True)
        for name in ("cosyvoice-v2", "cosyvoice-v1")
    ),
    *(
        TargetModel(name, QWEN_TTS, designs=True, clones=False)
        for name in (
            "qwen3-tts-vd-2026-01-26",
            "qwen3-tts-vd-realtime-2026-01-15",
            "qwen3-tts-vd-realtime-2025-12-16",
        )
    ),
    *(
        TargetModel(name, QWEN_TTS, designs=False, clones=True)
        for name in (
            "qwen3-tts-vc-2026-01-22",
            "qwen3-tts-vc-realtime-2026-01-15",
            "qwen3-tts-vc-realtime-2025-11-27",
        )
    ),
)

# Documented as a pattern only, without the names it stands for.
_QWEN_AUDIO_REALTIME = re.compile(r"qwen-audio-[a-z0-9.]+-realtime-[a-z0-9.-]+")


class Catalogue:
    """The models that one sandbox has, in one region.

    Args:
        region: the region the sandbox plays.
        extra: models beyond the documented ones, to try what happens when the provider
            brings out a new one.
    """

    def __init__(self, region: str, extra: Iterable[TargetModel] = ()) -> None:
        self._region = region
        self._models = {model.name: model for model in (*_MODELS, *extra)}

    def target(self, name: str, family: str, origin: str) -> TargetModel:
        """Return the target model of that name, sure to be able to make such a voice.

        Args:
            name: the request's ``target_model``.
            family: the family whose management model was called.
            origin: ``designed`` or ``cloned``.

        Raises:
            ApiError: ``Model.NotExist`` for an unknown model; ``InvalidParameter`` for one of
                the other family, one that cannot do it, or a region that does not offer it.
        """
        model = self._find(name)
        if model is None:
            raise model_not_exist(name)
        if model.family != family:
            raise invalid_parameter(f"input.target_model {name!r} is not a {family} model.")
        if origin == DESIGNED:
            if not model.designs:
                raise invalid_parameter(f"input.target_model {name!r} cannot design voices.")
            if self._region not in DESIGN_REGIONS[family]:
                raise invalid_parameter(
                    f"Voice design for {family} is not available in {self._region}."
                )
        elif not model.clones:
            raise invalid_parameter(f"input.target_model {name!r} cannot clone voices.")
        return model

    def speaking(self, name: str, speech: Speech) -> TargetModel:
        """Return the model of that name, sure to be one that is made to speak in that way.

        Raises:
            ApiError: ``Model.NotExist`` for an unknown model; ``InvalidParameter`` for one
                that is made to speak in another way.
        """
        model = self._find(name)
        if model is None:
            raise model_not_exist(name)
        if model.speech is not speech:
            raise invalid_parameter(
                f"url error: the model {name!r} speaks by {model.speech.value}."
            )
        return model

    def names(self, family: str, origin: str) -> tuple[str, ...]:
        """Return the models of a family that can make voices of that origin."""
        return tuple(
            model.name
            for model in self._models.values()
            if model.family == family and (model.designs if origin == DESIGNED else model.clones)
        )

    def _find(self, name: str) -> TargetModel | None:
        model = self._models.get(name)
        if model is None and _QWEN_AUDIO_REALTIME.fullmatch(name):
            return TargetModel(name, COSYVOICE, designs=False, clones=True)
        return model
