"""Whether housekeeping does its rounds, and who sees to that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from voicereg.doctor.findings import Finding, ok, warning, wrong
from voicereg.doctor.subject import Subject, Unavailable
from voicereg.doctor.wording import ago, lasting
from voicereg.domain.clock import rfc3339
from voicereg.domain.errors import InvalidInput
from voicereg.domain.rounds import StepState
from voicereg.scheduler import Status, Timetable, status_of
from voicereg.scheduler.duty import LATE
from voicereg.scheduler.running import HEALTHY_FOR
from voicereg.settings import ScheduleSettings

_GRACE = timedelta(hours=1)
"""A round takes its time, and timers have jitter of their own."""
_AHEAD = timedelta(minutes=5)
_START = "voicereg housekeeping start --all-accounts"
_RUN = "voicereg housekeeping run --all-accounts"
_ENV = "env:"


def check(subject: Subject) -> Iterator[Finding]:
    """The last rounds, the steps that failed, and who runs them."""
    registry = subject.registry
    schedule = subject.settings.schedule
    try:
        timetable = Timetable(schedule.round, schedule.timezone)
    except InvalidInput as error:
        yield wrong(
            "rounds.schedule",
            str(error),
            f"correct it in {subject.config_path}: no scheduler starts with that",
        )
        yield from _steps(registry.rounds.steps())
    else:
        status = status_of(registry)
        yield _last_good(status, timetable)
        yield from _steps(status.steps)
        yield _leader(status, schedule)
        yield _under_way(status)
    yield from _heartbeat(subject)


def _last_good(status: Status, timetable: Timetable) -> Finding:
    regular = (
        f"run it regularly, from cron: {timetable.expression} {_RUN}; or keep running: {_START}"
    )
    good, last, now = status.last_good, status.last, status.now
    if last is None:
        return warning("rounds.last", "there was no round of housekeeping yet", regular)
    # Rounds are run, and it is no use to run more of them.
    fails = last.ok is False and now - last.started_at <= HEALTHY_FOR
    mend = "see to the steps that fail: voicereg housekeeping status"
    if good is None or good.finished_at is None:
        what = "no round of housekeeping has gone well yet"
        return warning("rounds.last", what, mend if fails else regular)
    ended = good.finished_at
    if ended > now + _AHEAD:
        return warning(
            "rounds.last",
            f"the last round in which all went well ended in the future ({rfc3339(ended)})",
            f"set the clocks by NTP, of the hosts and of the database; then: {_RUN}",
        )
    shown = f"the last round in which all went well ended {ago(ended, now)}"
    # By the schedule, another has been due for long; a timer of somebody's own may be slower.
    if now - ended > HEALTHY_FOR and now > timetable.next_after(ended) + _GRACE:
        return warning("rounds.last", shown, mend if fails else regular)
    return ok("rounds.last", shown)


def _steps(steps: Sequence[StepState]) -> Iterator[Finding]:
    failed = [step for step in steps if step.error is not None]
    for step in failed:
        of = f" of {step.account}" if step.account else ""
        yield warning(
            "rounds.steps",
            f"{step.name.replace('_', ' ')}{of} failed at {rfc3339(step.tried_at)}: {step.error}",
            f"mend that, then: {_RUN}",
        )
    if not failed:
        yield ok("rounds.steps", "no step failed the last time")


def _leader(status: Status, schedule: ScheduleSettings) -> Finding:
    last, leader, due = status.last, status.leader, status.next_due_at
    if leader is None:
        if last is not None and last.due_at is not None:
            return warning(
                "rounds.leader",
                f"no scheduler is running; one ran the last round ({last.holder})",
                f"start it again: {_START}; or leave it to cron or a timer: {_RUN}",
            )
        return ok("rounds.leader", "no scheduler is running: rounds come from cron or a timer")
    shown = f"{leader.holder} is the scheduler since {rfc3339(leader.since)}"
    if due is None or status.under_way is not None:
        return ok("rounds.leader", shown)
    late = status.now - due
    if late <= LATE + schedule.jitter:
        return ok("rounds.leader", f"{shown}; the next round is due at {rfc3339(due)}")
    return warning(
        "rounds.leader",
        f"{shown}, and {lasting(late)} late: the round that was due at {rfc3339(due)} has not "
        "begun",
        "see its log, and start it anew; if it reads other settings than these, see [schedule] "
        "there",
    )


def _under_way(status: Status) -> Finding:
    at_work, last = status.under_way, status.last
    if at_work is not None:
        since = rfc3339(at_work.since)
        return ok("rounds.now", f"a round is under way since {since}, by {at_work.holder}")
    if last is not None and last.finished_at is None:
        return warning(
            "rounds.now",
            f"the round that {last.holder} began at {rfc3339(last.started_at)} never ended: it "
            "was killed, or lost the database",
            f"nothing is harmed; see why in the log of that host. The next round does it all: "
            f"{_RUN}",
        )
    return ok("rounds.now", "no round is under way")


def _heartbeat(subject: Subject) -> Iterator[Finding]:
    try:
        url = subject.whole_settings.schedule.heartbeat
    except Unavailable:
        return
    if url is None:
        return
    fault = _heartbeat_fault(url, subject.environment)
    place = (
        f"put its URL into {url.removeprefix(_ENV)}"
        if url.startswith(_ENV)
        else f"correct schedule.heartbeat in {subject.config_path}"
    )
    if fault is None:
        # Asking for it would say that all is well.
        yield ok("rounds.heartbeat", "the heartbeat has a URL; it is not asked for")
    else:
        yield wrong("rounds.heartbeat", f"the heartbeat cannot be sent: {fault}", place)


def _heartbeat_fault(url: str, environment: Mapping[str, str]) -> str | None:
    """What is wrong with the URL of the heartbeat, which is never shown; None: nothing."""
    if url.startswith(_ENV):
        variable = url.removeprefix(_ENV)
        url = environment.get(variable, "").strip()
        if not url:
            return f"{variable} is not set"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "its URL is none"
    if parts.scheme not in ("http", "https"):
        return "its URL is neither http nor https"
    if not host:
        return "its URL names no host"
    if " " in url or not url.isprintable():
        return "its URL holds spaces or controls"
    return None
