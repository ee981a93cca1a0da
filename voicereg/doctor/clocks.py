"""Whether the clocks agree, and nothing on record is of the future."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from voicereg.doctor import records
from voicereg.doctor.findings import Finding, ok, warning, wrong
from voicereg.doctor.subject import Subject
from voicereg.doctor.wording import lasting
from voicereg.domain.clock import rfc3339

_TOLERATED = timedelta(seconds=60)
_TOO_FAR = timedelta(minutes=5)
"""As much as a use may lie in the future."""


def check(subject: Subject) -> Iterator[Finding]:
    """Compare this machine's clock with the database's, and with what is on record."""
    with subject.database.read() as connection:
        now = subject.clock.now()
        if subject.database.is_sqlite:
            yield ok("clock.server", "this machine's clock is the database's, too")
        else:
            server = records.server_time(connection)
            yield _compared(server - now)
            now = server
        newest = {
            "use": records.newest_use(connection),
            "event": records.newest_event(connection),
            "round": records.newest_round(connection),
        }
    ahead = [
        f"the newest {what} on record is of {rfc3339(moment)}"
        for what, moment in newest.items()
        if moment is not None and moment > now + _TOO_FAR
    ]
    if ahead:
        yield warning(
            "clock.records",
            f"{' and '.join(ahead)}, and it is {rfc3339(now)} now",
            "set the clock of this machine right, by NTP. If it ran ahead before: "
            "voicereg use VOICE --at TIME --correct sets a last use right",
        )
    else:
        yield ok("clock.records", "nothing on record is of the future")


def _compared(ahead: timedelta) -> Finding:
    if abs(ahead) <= _TOLERATED:
        return ok("clock.server", "this machine's clock agrees with the database's")
    direction = "behind" if ahead > timedelta(0) else "ahead of"
    what = f"this machine's clock is {lasting(ahead)} {direction} the database's"
    advice = "set both clocks by NTP: uses and deadlines are counted by them"
    if abs(ahead) > _TOO_FAR:
        return wrong("clock.server", what, advice)
    return warning("clock.server", what, advice)
