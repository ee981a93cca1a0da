"""``voicereg list``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.filters import filter_options, wanted
from voicereg.cli.options import MOST, all_accounts_option, format_options
from voicereg.cli.output.records import Records, print_records
from voicereg.domain.filters import SortField
from voicereg.domain.voices import VOICE_KEYS, Voice

if TYPE_CHECKING:
    from voicereg.cli.output.tables import Column


@click.command("list")
@filter_options()
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
def list_voices(app: App, /, all_accounts: bool, output_format: str, **given: Any) -> int:
    """List voices.

    Gone ones are shown only with --all or --state.
    """
    registry = app.registry
    voices = registry.voices(
        **wanted(given),
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
