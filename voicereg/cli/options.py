"""Options that several commands share, and the values that they take."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import click

from voicereg.cli.output.records import FORMATS
from voicereg.domain.families import Family

Value = TypeVar("Value")
Command = TypeVar("Command", bound=Callable[..., Any])


class KeyValue(click.ParamType[tuple[str, str]]):
    """``KEY=VALUE``, split at the first ``=``."""

    name = "K=V"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The pair."""
        if isinstance(value, tuple):
            return value
        key, equals, rest = value.partition("=")
        if not equals or not key:
            self.fail(f"{value!r} is not of the form KEY=VALUE", param, ctx)
        return key, rest


class KeyMaybeValue(click.ParamType[tuple[str, str | None]]):
    """``KEY`` or ``KEY=VALUE``."""

    name = "K[=V]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str | None]:
        """The pair; None stands for any value."""
        if isinstance(value, tuple):
            return value
        key, equals, rest = value.partition("=")
        if not key:
            self.fail(f"{value!r} is not of the form KEY or KEY=VALUE", param, ctx)
        return key, rest if equals else None


def each_once(
    context: click.Context, parameter: click.Parameter, pairs: tuple[tuple[str, Value], ...]
) -> dict[str, Value]:
    """Pairs as a dictionary; a key that is given twice is refused, where one would be lost."""
    keys = [key for key, _ in pairs]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise click.BadParameter(f"{twice[0]!r} is given twice", context, parameter)
    return dict(pairs)


class Duration(click.ParamType[timedelta]):
    """A number and its unit, such as ``26h``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """The duration."""
        from voicereg.domain.errors import InvalidInput
        from voicereg.settings.readers import duration

        if isinstance(value, timedelta):
            return value
        try:
            return duration("", value)
        except InvalidInput as error:
            self.fail(f"{value!r}: {error.problems[0].rule}", param, ctx)


DURATION = Duration()


_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}


class Size(click.ParamType[int]):
    """A number of bytes, such as ``20MB``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,12})\s*([kmg]?b)?", value.strip(), re.IGNORECASE | re.ASCII)
        if found is None:
            self.fail(f"{value!r} is not of the form 500kB, 20MB or 1GB", param, ctx)
        return int(found[1]) * _UNITS[(found[2] or "").lower()]


SIZE = Size()


class FamilyLimit(click.ParamType[tuple[Family, int]]):
    """``FAMILY=N``."""

    name = "FAMILY=N"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Family, int]:
        """The family and its limit."""
        if isinstance(value, tuple):
            return value
        family, _, number = value.partition("=")
        if family not in set(Family) or not (number.isascii() and number.isdigit()):
            known = " or ".join(f"{member.value}=N" for member in Family)
            self.fail(f"{value!r} is not of the form {known}", param, ctx)
        return Family(family), int(number)


MOST = 2**31 - 1
"""The highest number of rows that can be asked for."""
FAMILY = click.Choice([family.value for family in Family])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
all_accounts_option = click.option("--all-accounts", is_flag=True, help="Of every account.")


def format_options(command: Command) -> Command:
    """``--format`` and, for short, ``--json``; the command gets one argument, ``output_format``."""

    def prefer_json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value:
            context.params["output_format"] = "json"

    command = click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=prefer_json,
        help="The same as --format json.",
    )(command)
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(list(FORMATS)),
        default="table",
        is_eager=True,
        show_default=True,
        help="How to print.",
    )(command)
