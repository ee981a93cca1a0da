"""Every metric: its name, what it says, and where it comes from.

All are gauges. What is on record may be let go of, or mended, so no number here only ever grows.

A time at which something went well is 0 where it never did, so that an alert on its age goes off;
a time that need not come (a deadline, an unresolved create) is left out where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from voicereg.metrics.figures import Figures, outcome_of
from voicereg.registry.figures import FamilyFigures

Sample = tuple[tuple[str, ...], float]
"""The values of a metric's labels, in their order, and the number."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A metric, with a sample for each combination of its labels."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Callable[[Figures], Iterable[Sample]]


def _timestamp(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()


def _if_any(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _by_family(
    value: Callable[[FamilyFigures], float | None],
) -> Callable[[Figures], Iterator[Sample]]:
    """A sample for each account and family, but for those whose value is None."""

    def samples(figures: Figures) -> Iterator[Sample]:
        for one in figures.families:
            found = value(one)
            if found is not None:
                yield (one.quota.account, one.quota.family.value), found

    return samples


def _of_quota(name: str, help_text: str, value: Callable[[FamilyFigures], float]) -> Gauge:
    return Gauge(f"voicereg_quota_{name}", help_text, _OF_FAMILY, _by_family(value))


def _single(name: str, help_text: str, value: Callable[[Figures], float]) -> Gauge:
    return Gauge(name, help_text, (), lambda figures: [((), value(figures))])


_OF_FAMILY = ("account", "family")
_OF_STEP = ("step", "account")
_OF_MESSAGE = ("channel", "outcome")

GAUGES: tuple[Gauge, ...] = (
    Gauge(
        "voicereg_info",
        "The version of voicereg that read these figures, and the revision of the schema of the "
        "database that it read them from.",
        ("version", "schema_revision"),
        lambda figures: [((figures.version, figures.schema_revision or ""), 1)],
    ),
    _single(
        "voicereg_read_timestamp_seconds",
        "When these figures were read from the database.",
        lambda figures: figures.read_at.timestamp(),
    ),
    Gauge(
        "voicereg_account_info",
        "The quota group of each account. Quotas are per group: accounts of one group show the "
        "same ones, so do not add them up over accounts.",
        ("account", "quota_group"),
        lambda figures: sorted(
            {((one.quota.account, one.quota.quota_group), 1.0) for one in figures.families}
        ),
    ),
    _of_quota("limit", "The slots that the quota group may hold.", lambda one: one.quota.limit),
    _of_quota(
        "used",
        "The slots that voices on record hold, those of unsettled creates included.",
        lambda one: one.quota.used,
    ),
    _of_quota(
        "unseen",
        "The slots that are taken by the provider's word, and that no voice on record holds.",
        lambda one: one.quota.unseen,
    ),
    _of_quota(
        "creating",
        "The slots held for creates that are under way.",
        lambda one: one.quota.creating,
    ),
    _of_quota(
        "unresolved",
        "The slots held for creates whose outcome is unknown.",
        lambda one: one.quota.unresolved,
    ),
    _of_quota("remaining", "The slots that may still be taken.", lambda one: one.quota.remaining),
    _of_quota(
        "stale",
        "1 where the figures of the quota may well differ from the provider's: not compared for a "
        "day, or refused by it since.",
        lambda one: one.quota.stale,
    ),
    _of_quota(
        "synced_timestamp_seconds",
        "Since when every account of the quota group has had a complete sync; 0: not all have.",
        lambda one: _timestamp(one.quota.synced_at),
    ),
    Gauge(
        "voicereg_voices",
        "Voices on record, in every state, gone ones included.",
        (*_OF_FAMILY, "state"),
        lambda figures: (
            ((one.quota.account, one.quota.family.value, state.value), count)
            for one in figures.families
            for state, count in one.voices.items()
        ),
    ),
    Gauge(
        "voicereg_soonest_deadline_timestamp_seconds",
        "From when on the provider may delete the next voice for inactivity, of those that are "
        "pending, active or missing.",
        _OF_FAMILY,
        _by_family(lambda one: _if_any(one.soonest_deadline_at)),
    ),
    Gauge(
        "voicereg_voices_past_deadline",
        "Voices that the provider may delete any day.",
        _OF_FAMILY,
        _by_family(lambda one: one.past_deadline),
    ),
    Gauge(
        "voicereg_voices_due",
        "Voices whose deadline is at most so many days ahead, those past it included; the days "
        "are the marks of the settings.",
        (*_OF_FAMILY, "within_days"),
        lambda figures: (
            ((one.quota.account, one.quota.family.value, str(mark)), count)
            for one in figures.families
            for mark, count in one.due.items()
        ),
    ),
    Gauge(
        "voicereg_unresolved_oldest_timestamp_seconds",
        "When the oldest create whose outcome is still unknown began.",
        _OF_FAMILY,
        _by_family(lambda one: _if_any(one.unresolved_since)),
    ),
    _single(
        "voicereg_round_last_started_timestamp_seconds",
        "When the last round of housekeeping began; 0: there was none.",
        lambda figures: _timestamp(figures.rounds.started_at),
    ),
    _single(
        "voicereg_round_last_finished_timestamp_seconds",
        "When the last round of housekeeping that came to its end did so; 0: none did.",
        lambda figures: _timestamp(figures.rounds.finished_at),
    ),
    _single(
        "voicereg_round_last_good_timestamp_seconds",
        "When the last round of housekeeping ended in which every step went well; 0: there was "
        "none.",
        lambda figures: _timestamp(figures.rounds.good_at),
    ),
    _single(
        "voicereg_round_under_way",
        "1 while a round of housekeeping is under way.",
        lambda figures: figures.rounds.is_under_way,
    ),
    _single(
        "voicereg_leader",
        "1 while a scheduler of housekeeping leads, on whatever host.",
        lambda figures: figures.is_led,
    ),
    Gauge(
        "voicereg_step_last_tried_timestamp_seconds",
        "When a step of housekeeping was last tried; no account: it is about all at once.",
        _OF_STEP,
        lambda figures: (
            ((step.name, step.account or ""), step.tried_at.timestamp()) for step in figures.steps
        ),
    ),
    Gauge(
        "voicereg_step_last_good_timestamp_seconds",
        "When a step of housekeeping last went well; 0: it never did.",
        _OF_STEP,
        lambda figures: (
            ((step.name, step.account or ""), _timestamp(step.good_at)) for step in figures.steps
        ),
    ),
    Gauge(
        "voicereg_step_failed",
        "1 where a step of housekeeping failed when it was last tried.",
        _OF_STEP,
        lambda figures: (
            ((step.name, step.account or ""), step.error is not None) for step in figures.steps
        ),
    ),
    Gauge(
        "voicereg_messages_last_day",
        "Messages to a channel made within the last 24 hours, by what became of them; unsettled: "
        "being sent, or it was not noted.",
        _OF_MESSAGE,
        lambda figures: (((one.channel, outcome_of(one)), one.recent) for one in figures.messages),
    ),
    Gauge(
        "voicereg_message_last_timestamp_seconds",
        "When the last message to a channel was made, by what became of it; 0: there was none.",
        _OF_MESSAGE,
        lambda figures: (
            ((one.channel, outcome_of(one)), _timestamp(one.last_at)) for one in figures.messages
        ),
    ),
    Gauge(
        "voicereg_keep_alives_last_day",
        "Voices used within the last 24 hours so that the provider keeps them, done or failed.",
        ("account", "outcome"),
        lambda figures: (
            sample
            for one in figures.keep_alives
            for sample in (
                ((one.account, "done"), float(one.done)),
                ((one.account, "failed"), float(one.failed)),
            )
        ),
    ),
)
"""In the order in which they are shown."""
