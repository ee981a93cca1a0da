"""What the next round would tell, as far as the registry knows by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voicereg.domain.concerns import Concern
from voicereg.domain.messages import Message
from voicereg.housekeeping.steps import deliver, keep_alive, warn
from voicereg.housekeeping.work import Work
from voicereg.notify import open_channel
from voicereg.registry import Registry


@dataclass(frozen=True, slots=True)
class Foresight:
    """What stands, and what channels have yet to hear of it."""

    concerns: Sequence[Concern]
    """Everything that stands, told or not, each subject once."""
    messages: Sequence[Message]
    """What the next round would send to each channel of the settings; where there are none, to
    the log."""


def foresee(registry: Registry, accounts: Sequence[str]) -> Foresight:
    """What a round would tell now, if the provider's listings brought nothing new.

    Nothing is asked of the provider, nothing is sent, and nothing is changed.

    Args:
        registry: an open one.
        accounts: their names.

    Raises:
        AccountNotFound: no such account.
    """
    work = Work(
        registry,
        accounts,
        lease=None,  # as in a dry run
        open_channel=lambda channel: open_channel(channel.name, channel.url, environment={}),
    )
    for account in accounts:
        keep_alive.run(work, account)
        warn.run(work, account)
    deliver.run(work)
    # A quota that accounts share is a concern of each of them.
    each_once = {concern.subject: concern for found in work.concerns.values() for concern in found}
    return Foresight(
        concerns=tuple(each_once.values()),
        messages=tuple(delivery.message for delivery in work.deliveries),
    )
