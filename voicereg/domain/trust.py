"""How far a listing is believed: what it shows, against what is on record.

A listing that lags, is cut, or is another account's must not make the registry forget a voice. One
listing may know too few voices to tell, so all of an account's are looked at together as well.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from voicereg.domain.states import State
from voicereg.domain.voices import Voice

GUARDED_FROM = 20
"""From so many known voices on, a listing that misses many of them has to prove it."""
_SHARE = 0.10
"""Of the voices not past their deadline: more must not be absent without a proof."""
_SHARE_OF_ALL = 0.50
"""Of all of them: an old account's voices may all be past an estimated deadline."""
PROOF_LISTINGS = 3
"""Where nothing else proves that a voice is gone, so many listings do …"""
PROOF_SPAN = timedelta(days=1)
"""… when at least so much time lies between the first and the last."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What of an account's voices was seen."""

    known: int = 0
    """Voices of the account on record, that ought to be listed."""
    standing: int = 0
    """Those of them that are not past their deadline."""
    absent: int = 0
    """Those of them that are not listed."""
    absent_standing: int = 0
    """Those that are neither."""
    shown: int = 0
    """Voices that were listed."""
    recognised: int = 0
    """Those of them that are on record of this account, gone ones too."""
    expected: int = 0
    """Known voices that nobody has asked to be deleted."""

    def __add__(self, other: Sight) -> Sight:
        return Sight(
            self.known + other.known,
            self.standing + other.standing,
            self.absent + other.absent,
            self.absent_standing + other.absent_standing,
            self.shown + other.shown,
            self.recognised + other.recognised,
            self.expected + other.expected,
        )

    @property
    def shows_none_known(self) -> bool:
        """Whether there are voices on record, and none of them is listed: worth a word, always."""
        return self.expected > 0 and self.recognised == 0

    @property
    def is_foreign(self) -> bool:
        """Whether voices are shown, and none that is known: it is probably another account."""
        return self.known >= GUARDED_FROM and self.shown > 0 and self.recognised == 0

    @property
    def is_suspicious(self) -> bool:
        """Whether so many known voices are not listed that each absence has to be proved."""
        return self.known >= GUARDED_FROM and (
            self.absent_standing > _SHARE * self.standing
            or self.absent > _SHARE_OF_ALL * self.known
        )

    @property
    def is_blank(self) -> bool:
        """Whether nothing known is seen at all: with another's key, queries prove nothing."""
        return self.known >= GUARDED_FROM and self.recognised == 0


def sight(
    known: Collection[Voice], shown: Collection[str], recognised: int, now: datetime
) -> Sight:
    """What a listing shows.

    Args:
        known: the voices that it ought to show.
        shown: the provider's ids that it shows.
        recognised: how many of these are on record of the account.
        now: when it was read.
    """
    standing = [voice for voice in known if voice.deadline_at > now]
    return Sight(
        known=len(known),
        standing=len(standing),
        absent=sum(voice.voice_id not in shown for voice in known),
        absent_standing=sum(voice.voice_id not in shown for voice in standing),
        shown=len(shown),
        recognised=recognised,
        expected=sum(voice.state is not State.DELETING for voice in known),
    )
