"""``voicereg quota``."""

from __future__ import annotations

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.failures import ExitCode
from voicereg.cli.options import FAMILY, all_accounts_option, format_options
from voicereg.cli.output.records import Records, print_records
from voicereg.cli.output.tables import Column
from voicereg.cli.output.text import local_time
from voicereg.domain.quotas import QUOTA_KEYS, Quota, QuotaLevel

_STYLES = {
    QuotaLevel.OK: "green",
    QuotaLevel.WARNING: "yellow",
    QuotaLevel.CRITICAL: "red",
    QuotaLevel.FULL: "bold red",
}


@click.command()
@click.option("--family", type=FAMILY, help="Only this family.")
@click.option(
    "--need",
    type=click.IntRange(min=1),
    metavar="N",
    help="Exit with 3 where fewer than N slots remain.",
)
@all_accounts_option
@format_options
@pass_app
def quota(
    app: App, /, family: str | None, need: int | None, all_accounts: bool, output_format: str
) -> int:
    """Show the quotas, or check that slots remain.

    Of each family: the slots that are held, its limit, what remains, and when the registry was last
    compared with the provider. UNSEEN slots are taken by the provider's word, and by no voice on
    record; stale figures may well differ from the provider's: voicereg sync mends that.
    """
    registry = app.registry
    quotas = [
        quota
        for quota in registry.quotas(account=registry.ALL_ACCOUNTS if all_accounts else None)
        if family is None or quota.family == family
    ]
    records = Records(
        quotas,
        as_dict=Quota.as_dict,
        keys=QUOTA_KEYS,
        columns=lambda: _columns(any_unseen=any(quota.unseen for quota in quotas)),
        empty="no quotas",
    )
    print_records(records, output_format, app.say)
    if need is not None:
        for quota in quotas:
            registry.require_quota(quota.family, need, account=quota.account)
    return ExitCode.DONE


def _columns(*, any_unseen: bool) -> list[Column[Quota]]:
    return [
        Column("ACCOUNT", lambda quota: quota.account, flexible=True),
        Column("FAMILY", lambda quota: quota.family.value),
        Column("USED", lambda quota: str(quota.used), right=True),
        # Without it, used and remaining would not add up.
        Column(
            "UNSEEN",
            lambda quota: str(quota.unseen or ""),
            right=True,
            from_width=0 if any_unseen else 90,
        ),
        Column("LIMIT", lambda quota: str(quota.limit), right=True),
        Column("REMAINING", lambda quota: str(quota.remaining), right=True),
        Column("LEVEL", lambda quota: quota.level.value, style=lambda quota: _STYLES[quota.level]),
        Column("CREATING", lambda quota: str(quota.creating or ""), right=True, from_width=90),
        Column("UNRESOLVED", lambda quota: str(quota.unresolved or ""), right=True, from_width=90),
        Column("SYNCED", _synced),
    ]


def _synced(quota: Quota) -> str:
    if quota.synced_at is None:
        return "never"
    return local_time(quota.synced_at) + (" (stale)" if quota.stale else "")
