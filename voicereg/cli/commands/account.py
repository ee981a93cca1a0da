"""``voicereg account``: the ways into the provider."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import Command, FamilyLimit, format_options, json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.records import Records, print_records
from voicereg.cli.output.tables import Column, print_fields
from voicereg.cli.output.text import local_time
from voicereg.domain.accounts import ACCOUNT_KEYS, Account
from voicereg.domain.families import Family, Region


@click.group()
def account() -> None:
    """Manage accounts, their keys and limits.

    A key itself is never stored: an account has the name of the environment variable.
    """


def _values(command: Command) -> Command:
    """The options that describe an account."""
    for option in reversed(
        (
            click.option("--region", metavar="REGION", help="cn-beijing or ap-southeast-1."),
            click.option("--workspace", metavar="ID", help="The workspace id; empty: none."),
            click.option(
                "--base-url", metavar="URL", help="Overrides the address; ends in /api/v1."
            ),
            click.option(
                "--api-key-env", metavar="NAME", help="The variable that holds the API key."
            ),
            click.option("--quota-group", metavar="NAME", help="The group that shares its quotas."),
            click.option(
                "--limit",
                "limits",
                type=FamilyLimit(),
                multiple=True,
                help="The group's slots of a family.",
            ),
            click.option("--unchecked", is_flag=True, help="Take a region that is not known."),
            json_option,
        )
    ):
        command = option(command)
    return command


@account.command()
@click.argument("name")
@_values
@pass_app
def add(app: App, /, name: str, as_json: bool, **given: Any) -> int:
    """Add the account NAME.

    It gets a quota group of its own, unless one is named.
    """
    region = given.pop("region") or Region.BEIJING.value
    limits = dict(given.pop("limits"))
    _print(app.registry.accounts.add(name, region=region, limits=limits, **given), as_json)
    return ExitCode.DONE


@account.command("list")
@format_options
@pass_app
def list_accounts(app: App, /, output_format: str) -> int:
    """List all accounts."""
    records = Records(
        app.registry.accounts.all(),
        as_dict=Account.as_dict,
        keys=ACCOUNT_KEYS,
        columns=_columns,
        empty="no accounts",
    )
    print_records(records, output_format, app.say)
    return ExitCode.DONE


@account.command()
@click.argument("name")
@json_option
@pass_app
def show(app: App, /, name: str, as_json: bool) -> int:
    """Show the account NAME."""
    _print(app.registry.accounts.one(name), as_json)
    return ExitCode.DONE


@account.command()
@click.argument("name")
@_values
@pass_app
def edit(app: App, /, name: str, as_json: bool, **given: Any) -> int:
    """Change the account NAME.

    An empty value takes a workspace or base URL away.
    """
    limits = dict(given.pop("limits"))
    if not limits and all(value is None for key, value in given.items() if key != "unchecked"):
        raise click.UsageError("Nothing to change: say what, such as --limit cosyvoice=900.")
    _print(app.registry.accounts.edit(name, limits=limits, **given), as_json)
    return ExitCode.DONE


@account.command()
@click.argument("name")
@json_option
@pass_app
def remove(app: App, /, name: str, as_json: bool) -> int:
    """Remove the account NAME.

    It must have no voices: the record of a voice, even of a gone one, is never erased.
    """
    removed = app.registry.accounts.one(name)
    app.registry.accounts.remove(name)
    if as_json:
        print_json(removed.as_dict())
    else:
        app.say(f"removed account {name}")
    return ExitCode.DONE


def _print(found: Account, as_json: bool) -> None:
    if as_json:
        print_json(found.as_dict())
        return
    print_fields(
        [
            ("name", found.name),
            ("region", found.region),
            ("workspace", found.workspace or ""),
            ("base_url", found.base_url or ""),
            ("api_key_env", found.api_key_env),
            ("quota_group", found.quota_group),
            ("limits", _limits(found)),
            ("created_at", local_time(found.created_at)),
            ("updated_at", local_time(found.updated_at)),
        ]
    )


def _limits(found: Account) -> str:
    return ", ".join(f"{family.value}={limit}" for family, limit in found.limits.items())


def _limit(family: Family, account: Account) -> str:
    return str(account.limits.get(family, ""))


def _columns() -> list[Column[Account]]:
    return [
        Column("NAME", lambda account: account.name),
        Column("REGION", lambda account: account.region),
        Column("WORKSPACE", lambda account: account.workspace or "", from_width=100),
        Column("KEY FROM", lambda account: account.api_key_env, flexible=True),
        Column("QUOTA GROUP", lambda account: account.quota_group, from_width=90),
        *(
            Column[Account](
                family.value.upper(),
                partial(_limit, family),
                right=True,
            )
            for family in Family
        ),
        Column("BASE URL", lambda account: account.base_url or "", from_width=120, flexible=True),
    ]
