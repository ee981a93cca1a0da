"""Which place wins: flags over environment over file over defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.settings.file import read_file
from voicereg.settings.places import default_config_path
from voicereg.settings.readers import duration
from voicereg.settings.values import Settings


def load(
    *,
    config: Path | None = None,
    environment: Mapping[str, str] | None = None,
    database: str | None = None,
    account: str | None = None,
    base_url: str | None = None,
) -> Settings:
    """Put the settings together.

    Args:
        config: the settings file; None: ``VOICEREG_CONFIG``, else the user's, where there is one.
        environment: the variables to read; None: those of the process.
        database: the flag, over everything else; likewise ``account`` and ``base_url``.

    Raises:
        InvalidInput: an unknown key, or a value that does not fit, named with its place.
    """
    environment = os.environ if environment is None else environment
    named = config or (Path(name) if (name := environment.get("VOICEREG_CONFIG")) else None)
    settings = read_file(named) if named is not None else _from_default_file()
    if settle_after := environment.get("VOICEREG_SETTLE_AFTER"):
        create = replace(
            settings.create, settle_after=duration("VOICEREG_SETTLE_AFTER", settle_after)
        )
        settings = replace(settings, create=create)
    settings = replace(
        settings,
        database=database or environment.get("VOICEREG_DATABASE") or settings.database,
        account=account or environment.get("VOICEREG_ACCOUNT") or settings.account,
        base_url=base_url or environment.get("VOICEREG_BASE_URL") or settings.base_url,
    )
    _check(settings)
    return settings


def _from_default_file() -> Settings:
    path = default_config_path()
    return read_file(path) if path.is_file() else Settings()


def _check(settings: Settings) -> None:
    """Refuse settings that do not fit together, wherever each came from."""
    if settings.quota.warning > settings.quota.critical:
        raise InvalidInput(
            Problem(
                "quota.warning",
                str(settings.quota.warning),
                f"it must not be above quota.critical ({settings.quota.critical})",
            )
        )
    create = settings.create
    longest = create.longest_create
    if create.settle_after <= longest:
        raise InvalidInput(
            Problem(
                "create.settle_after",
                f"{int(create.settle_after.total_seconds())}s",
                "it must be longer than any create can last: the time-outs add up to "
                f"{int(longest.total_seconds())}s",
            )
        )
