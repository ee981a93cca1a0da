"""``voicereg events``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import MOST, all_accounts_option, format_options
from voicereg.cli.output.records import Records, print_records
from voicereg.cli.output.tables import Column
from voicereg.cli.output.text import local_time
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.events import EVENT_KEYS, Event

_DEFAULT_LIMIT = 50


@click.command()
@click.option("--voice", metavar="VOICE", help="Only of this voice.")
@click.option("--since", metavar="TIME", help="Only from then on: 2026-11-23 or 2026-11-23T10:00.")
@click.option(
    "--limit",
    type=click.IntRange(1, MOST),
    default=_DEFAULT_LIMIT,
    show_default=True,
    metavar="N",
    help="At most so many.",
)
@click.option("--all", "without_limit", is_flag=True, help="All of them.")
@all_accounts_option
@format_options
@pass_app
def events(
    app: App,
    /,
    voice: str | None,
    since: str | None,
    limit: int,
    without_limit: bool,
    all_accounts: bool,
    output_format: str,
) -> int:
    """Show the audit log.

    Newest first: who changed what, when, from what, to what.
    """
    registry = app.registry
    found = registry.events(
        voice=voice,
        since=None if since is None else _time(since),
        limit=None if without_limit else limit,
        account=registry.ALL_ACCOUNTS if all_accounts else None,
    )
    records = Records(
        found, as_dict=Event.as_dict, keys=EVENT_KEYS, columns=_columns, empty="no events"
    )
    print_records(records, output_format, app.say)
    return ExitCode.DONE


def _time(text: str) -> datetime:
    """A time as a user writes it; local where it names no zone."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidInput(
            Problem("since", text, "it must be a time such as 2026-11-23T10:00 or 2026-11-23")
        ) from None


def _columns() -> list[Column[Event]]:
    return [
        Column("AT", lambda event: local_time(event.at)),
        Column("ACTION", lambda event: event.action),
        Column("VOICE", lambda event: event.voice or ""),
        Column("CHANGE", _change, flexible=True),
        Column("ACTOR", lambda event: event.actor, from_width=110, flexible=True),
    ]


def _change(event: Event) -> str:
    parts = [
        f"{name}: {_short(event.before, name)} -> {_short(event.after, name)}"
        for name in event.after
        if name in event.before
    ]
    parts += [
        f"{name}: {_short(event.after, name)}" for name in event.after if name not in event.before
    ]
    return ", ".join([event.reason] if event.reason else []) + (
        ("; " if event.reason and parts else "") + ", ".join(parts)
    )


def _short(values: Mapping[str, Any], name: str) -> str:
    value = values[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
