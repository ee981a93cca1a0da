"""``voicereg expiring``."""

from __future__ import annotations

from datetime import timedelta

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import all_accounts_option, format_options
from voicereg.cli.output.records import Records, print_records
from voicereg.cli.output.voices import deadline_columns
from voicereg.domain.voices import VOICE_KEYS


@click.command()
@click.option(
    "--within",
    "within_days",
    type=click.IntRange(0, 36_500),
    default=60,
    show_default=True,
    metavar="DAYS",
    help="Only voices whose deadline is past, or at most so far away.",
)
@click.option("--fail", is_flag=True, help="Exit with 1 if there are any.")
@all_accounts_option
@format_options
@pass_app
def expiring(
    app: App, /, within_days: int, fail: bool, all_accounts: bool, output_format: str
) -> int:
    """Show the voices nearing their deletion, soonest first.

    The provider deletes a voice that no synthesis has used for a year. A voice past its deadline
    that is still there may go any day.
    """
    registry = app.registry
    voices = registry.expiring(
        within=timedelta(days=within_days),
        account=registry.ALL_ACCOUNTS if all_accounts else None,
    )
    now = registry.now()
    records = Records(
        voices,
        as_dict=lambda voice: voice.as_dict(now),
        keys=VOICE_KEYS,
        columns=lambda: deadline_columns(now, with_account=all_accounts),
        empty=f"no voice is within {within_days} days of its deadline",
    )
    print_records(records, output_format, app.say)
    return ExitCode.FAILED if fail and voices else ExitCode.DONE
