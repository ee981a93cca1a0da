"""``voicereg list``."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import (
    FAMILY,
    MOST,
    KeyMaybeValue,
    all_accounts_option,
    each_once,
    format_options,
)
from voicereg.cli.output.records import Records, print_records
from voicereg.domain.filters import SortField
from voicereg.domain.states import State
from voicereg.domain.voices import VOICE_KEYS, Origin, Voice

if TYPE_CHECKING:
    from voicereg.cli.output.tables import Column


@click.command("list")
@click.option("--family", type=FAMILY, help="Only of this family.")
@click.option("--model", "target_model", metavar="MODEL", help="Only bound to this target model.")
@click.option(
    "--state",
    "states",
    type=click.Choice([state.value for state in State]),
    metavar="STATE",
    multiple=True,
    help=f"Only in this state, of {', '.join(State)}. Several are possible.",
)
@click.option(
    "--tag",
    "tags",
    type=KeyMaybeValue(),
    multiple=True,
    callback=each_once,
    help="Only with this tag.",
)
@click.option("--owner", metavar="NAME", help="Only of this owner.")
@click.option("--origin", type=click.Choice([o.value for o in Origin]), help="Only of this origin.")
@click.option("--pinned/--not-pinned", default=None, help="Only pinned ones, or only others.")
@click.option("--search", metavar="TEXT", help="Only with this text in name, prompt, note or id.")
@click.option(
    "--unused-for",
    "unused_for_days",
    type=click.IntRange(0, 36_500),
    metavar="DAYS",
    help="Only with no known activity for so long.",
)
@click.option(
    "--sort",
    type=click.Choice([field.value for field in SortField]),
    default=SortField.CREATED.value,
    show_default=True,
    help="What to order by.",
)
@click.option("--reverse", "descending", is_flag=True, help="The other way round.")
@click.option("--limit", type=click.IntRange(0, MOST), metavar="N", help="At most so many.")
@click.option(
    "--offset", type=click.IntRange(0, MOST), default=0, metavar="N", help="Without the first N."
)
@click.option("--all", "with_gone", is_flag=True, help="Gone voices as well.")
@all_accounts_option
@format_options
@pass_app
def list_voices(
    app: App,
    /,
    states: tuple[str, ...],
    tags: dict[str, str | None],
    unused_for_days: int | None,
    all_accounts: bool,
    output_format: str,
    **given: Any,
) -> int:
    """List voices.

    Gone ones are shown only with --all or --state.
    """
    registry = app.registry
    voices = registry.voices(
        states=states or None,
        tags=tags,
        unused_for=None if unused_for_days is None else timedelta(days=unused_for_days),
        account=registry.ALL_ACCOUNTS if all_accounts else None,
        **given,
    )
    now = registry.now()
    records = Records(
        voices,
        as_dict=lambda voice: voice.as_dict(now),
        keys=VOICE_KEYS,
        columns=lambda: _columns(now, with_account=all_accounts),
        empty="no voices",
    )
    print_records(records, output_format, app.say)
    return ExitCode.DONE


def _columns(now: datetime, *, with_account: bool) -> list[Column[Voice]]:
    from voicereg.cli.output.voices import voice_columns  # a list as JSON does without

    return voice_columns(now, with_account=with_account)
