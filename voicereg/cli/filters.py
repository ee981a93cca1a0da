"""The filters of ``list``, for every command that speaks of many voices at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

import click

from voicereg.cli.completion import complete_models, complete_tags
from voicereg.cli.options import FAMILY, KeyMaybeValue, each_once
from voicereg.domain.filters import FilterOptions
from voicereg.domain.states import State
from voicereg.domain.voices import Origin

Command = TypeVar("Command", bound=Callable[..., Any])

_LONGEST_DAYS = 36_500


def filter_options(prefix: str = "") -> Callable[[Command], Command]:
    """The options that say which voices are meant; :func:`wanted` reads them.

    Args:
        prefix: what their names begin with, such as ``where-``, beside options that say what is
            to become of the voices.
    """

    def option(name: str, into: str, **attributes: Any) -> Callable[[Command], Command]:
        return click.option(f"--{prefix}{name}", f"wanted_{into}", **attributes)

    options = (
        option("family", "family", type=FAMILY, help="Only of this family."),
        option(
            "model",
            "target_model",
            metavar="MODEL",
            shell_complete=complete_models,
            help="Only bound to this target model.",
        ),
        option(
            "state",
            "states",
            type=click.Choice([state.value for state in State]),
            metavar="STATE",
            multiple=True,
            help=f"Only in this state, of {', '.join(State)}. Several are possible.",
        ),
        option(
            "tag",
            "tags",
            type=KeyMaybeValue(),
            multiple=True,
            callback=each_once,
            shell_complete=complete_tags,
            help="Only with this tag.",
        ),
        option("owner", "owner", metavar="NAME", help="Only of this owner."),
        option(
            "origin",
            "origin",
            type=click.Choice([origin.value for origin in Origin]),
            help="Only of this origin.",
        ),
        click.option(
            f"--{prefix}pinned/--{prefix}not-pinned",
            "wanted_pinned",
            default=None,
            help="Only pinned ones, or only others.",
        ),
        option(
            "search",
            "search",
            metavar="TEXT",
            help="Only with this text in name, prompt, note or id.",
        ),
        option(
            "unused-for",
            "unused_for",
            type=click.IntRange(0, _LONGEST_DAYS),
            metavar="DAYS",
            help="Only with no known activity for so long.",
        ),
    )

    def with_options(command: Command) -> Command:
        for add in reversed(options):
            command = add(command)
        return command

    return with_options


def wanted(given: dict[str, Any]) -> FilterOptions:
    """Take the filters out of what a command was given; what was left alone is not among them."""
    found = {
        name.removeprefix("wanted_"): given.pop(name)
        for name in list(given)
        if name.startswith("wanted_")
    }
    if found["unused_for"] is not None:
        found["unused_for"] = timedelta(days=found["unused_for"])
    return cast(
        FilterOptions,
        {name: value for name, value in found.items() if value not in (None, (), {})},
    )
