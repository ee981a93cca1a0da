"""Everything that a report tells, gathered at one time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from voicereg.domain.concerns import Concern
from voicereg.domain.messages import Message
from voicereg.registry import Registry
from voicereg.registry.reports import RegistryReport
from voicereg.report.warned import Warned, what_is_warned_of
from voicereg.version import __version__

MOST_VOICES = 5_000
"""Rows of the table, unless another number is asked for: more than two full families, and no more
than a browser takes at ease."""
MOST_UNUSED = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report tells."""

    registry: RegistryReport
    warned: Warned
    version: str
    """Of the program."""
    uses_kept_for: timedelta
    """How far back uses by day are on record."""
    has_several_accounts: bool
    """Whether it speaks of more than one."""

    @property
    def standing(self) -> int:
        """How many voices hold a slot."""
        return sum(count for state, count in self.registry.states.items() if state.holds_slot)

    @property
    def gone(self) -> int:
        """How many do not."""
        return sum(count for state, count in self.registry.states.items() if state.is_gone)

    @property
    def left_out(self) -> int:
        """How many voices the table has no room for."""
        return self.standing + self.gone - len(self.registry.voices)


def read_facts(
    registry: Registry,
    *,
    account: str | None = None,
    concerns: Sequence[Concern] = (),
    messages: Sequence[Message] = (),
    most_voices: int = MOST_VOICES,
) -> Facts:
    """Read what a report tells.

    Args:
        registry: an open one.
        account: its name, or ``Registry.ALL_ACCOUNTS``; None: the selected one.
        concerns: what stands that is to be warned of.
        messages: what the next round of housekeeping would tell each channel.
        most_voices: rows of the table; figures are of all voices, however many.

    Raises:
        AccountNotFound: no such account.
        DatabaseProblem: it cannot be read.
    """
    found = registry.reports.read(account, most_voices=most_voices, most_unused=MOST_UNUSED)
    return Facts(
        registry=found,
        warned=what_is_warned_of(
            concerns,
            messages,
            found.read_at,
            has_channels=bool(registry.settings.channels),
        ),
        version=__version__,
        uses_kept_for=registry.settings.prune.after,
        has_several_accounts=len(found.accounts) > 1,
    )
