"""Who hears of what: a team of its own voices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voicereg.domain.families import Family
from voicereg.domain.voices import Voice


@dataclass(frozen=True, slots=True)
class TagFilter:
    """A tag that a voice must have."""

    key: str
    value: str | None
    """None: any."""

    @classmethod
    def parse(cls, text: str) -> TagFilter:
        """What ``KEY`` or ``KEY=VALUE`` stands for."""
        key, equals, value = text.partition("=")
        return cls(key, value if equals else None)

    def fits(self, tags: Mapping[str, str]) -> bool:
        """Whether one of the tags is meant."""
        return self.key in tags and self.value in (None, tags[self.key])


@dataclass(frozen=True, slots=True)
class VoiceRule:
    """Voices that something is meant for. What is None does not narrow the choice."""

    owner: str | None = None
    """Voices of this owner."""
    tag: TagFilter | None = None
    """Voices with this tag: ``KEY``, or ``KEY=VALUE``."""
    family: Family | None = None
    """Voices of this family."""
    account: str | None = None
    """Voices of this account."""
    model: str | None = None
    """Voices bound to this target model."""

    def fits(self, voice: Voice) -> bool:
        """Whether a voice is meant."""
        return (
            self.fits_family(voice.account, voice.family)
            and self.owner in (None, voice.owner)
            and self.model in (None, voice.target_model)
            and (self.tag is None or self.tag.fits(voice.tags))
        )

    def fits_family(self, account: str, family: Family) -> bool:
        """Whether voices of a family of an account may be meant."""
        return self.account in (None, account) and self.family in (None, family)

    @property
    def is_of_all_voices(self) -> bool:
        """Whether what concerns a whole family concerns whom this is for, too."""
        return self.owner is None and self.tag is None and self.model is None
