"""What the steps of a round work with, and hand on to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from voicereg.domain.concerns import Concern
from voicereg.domain.keep_alive import KeptAlive
from voicereg.domain.rounds import Delivery
from voicereg.housekeeping.leadership import HeldLease
from voicereg.notify import Channel
from voicereg.registry import Registry
from voicereg.settings import ChannelSettings

OpenChannel = Callable[[ChannelSettings], Channel]


@dataclass
class Work:
    """One round."""

    registry: Registry
    accounts: Sequence[str]
    lease: HeldLease | None
    """None in a dry run, which changes nothing."""
    open_channel: OpenChannel
    kept: dict[str, KeptAlive] = field(default_factory=dict)
    """How the voices that are to stay were kept alive, by account; none where that step failed."""
    concerns: dict[str, list[Concern]] = field(default_factory=dict)
    """What stands, by account; none where that could not be found out."""
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def dry_run(self) -> bool:
        """Whether nothing is to be changed, and nothing sent."""
        return self.lease is None


@dataclass(frozen=True)
class Done:
    """What a step did of an account, or of all."""

    counts: Mapping[str, int]
    problems: Sequence[str] = ()
    """What went wrong without ending the step."""
