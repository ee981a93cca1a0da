"""``voicereg sync``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode, describe, exit_code
from voicereg.cli.options import FAMILY, all_accounts_option, json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.syncs import print_sync
from voicereg.domain.errors import VoiceregError
from voicereg.domain.syncs import Sync

if TYPE_CHECKING:
    from voicereg.registry.inspection import OnProgress


@click.command()
@click.option("--family", type=FAMILY, help="Only this family.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--force",
    is_flag=True,
    help="Believe a listing that misses many known voices, or shows none of them.",
)
@all_accounts_option
@json_option
@pass_app
def sync(
    app: App,
    /,
    family: str | None,
    dry_run: bool,
    force: bool,
    all_accounts: bool,
    as_json: bool,
) -> int:
    """Compare the registry with the provider, and mend the registry.

    Every listing of the account is read to its end. Voices that others made are imported, what
    the provider says of known ones is noted, and creates and deletes whose outcome is unknown are
    settled. A voice that is not listed is missing, and gone when the next sync does not show it
    either. Nothing is changed at the provider.

    A listing that failed, or that cannot be believed, changes nothing: then the exit code is 5.
    """
    registry = app.registry
    accounts = [found.name for found in registry.accounts.all()] if all_accounts else [None]
    done: list[Sync] = []
    worst = ExitCode.DONE
    for account in accounts:
        try:
            with _progress(app) as on_progress:
                result = registry.sync(
                    family=family,
                    dry_run=dry_run,
                    force=force,
                    on_progress=on_progress,
                    account=account,
                )
        except VoiceregError as error:
            if not all_accounts:
                raise
            # One account's missing key must not keep the others from being looked after.
            click.echo(describe(error), err=True)
            worst = worst or exit_code(error)
            continue
        done.append(result)
        if not result.complete:
            worst = worst or ExitCode.PROVIDER
        if not as_json:
            print_sync(result, app.say)
    if as_json:
        documents = [result.as_dict() for result in done]
        print_json(documents if all_accounts else documents[0])
    return worst


@contextmanager
def _progress(app: App) -> Iterator[OnProgress | None]:
    """A bar on a terminal; nothing elsewhere."""
    if not app.shows_progress:
        yield None
        return
    from voicereg.cli.output.progress import sync_bars

    with sync_bars() as on_progress:
        yield on_progress
