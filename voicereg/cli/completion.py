"""What a shell completes: voices, accounts, tags and models, as the registry knows them.

A shell asks while somebody types: nothing is made, nothing is waited for long, and what goes wrong
completes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from voicereg.cli.output.text import printable
from voicereg.domain.errors import VoiceregError

if TYPE_CHECKING:
    from voicereg.registry import Registry

Found = TypeVar("Found")

_MOST = 50
"""So many are shown; who wants others types on."""


class VoiceReference(click.ParamType[str]):
    """What a voice is named by: an id of either kind, or an alias."""

    name = "voice"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; the registry looks for it."""
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Aliases, then registry ids; provider ids where they are what is being typed."""
        return _asked(ctx, lambda registry: _references(registry, incomplete))[:_MOST]


VOICE = VoiceReference()


def complete_accounts(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The names of accounts."""
    names = _asked(ctx, lambda registry: (one.name for one in registry.accounts.all()))
    return _matching(names, incomplete)


def complete_tags(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Keys of tags; and their values, once a key is there."""
    pairs = _asked(ctx, lambda registry: registry.tags())
    if "=" in incomplete:
        return _matching((f"{key}={value}" for key, value in pairs), incomplete)
    return _matching(dict.fromkeys(key for key, _ in pairs), incomplete)


def complete_models(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The target models that voices can be designed for."""
    from voicereg.domain.rules import RULES

    models = (model for rules in RULES.values() for model in sorted(rules.known_models))
    return _matching(models, incomplete)


def _references(registry: Registry, incomplete: str) -> Iterator[CompletionItem]:
    for alias in registry.aliases.all():
        if alias.name.startswith(incomplete):
            yield CompletionItem(alias.name, help=f"alias of {alias.voice}")
    for voice in registry.beginning_with(incomplete, limit=_MOST):
        described = printable(f"{voice.name} ({voice.state.value})")
        is_by_registry_id = voice.id.startswith(incomplete)
        reference = voice.id if is_by_registry_id else voice.voice_id
        if reference is not None:
            yield CompletionItem(reference, help=described)


def _matching(values: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(value)
        for value in values
        if value.startswith(incomplete) and value.isprintable()
    ][:_MOST]


def _asked(ctx: click.Context, question: Callable[[Registry], Iterable[Found]]) -> list[Found]:
    """What the registry that the words before speak of answers; nothing where there is none."""
    from voicereg import settings
    from voicereg.doctor.reading import sqlite_path
    from voicereg.registry import Registry

    given = ctx.find_root().params
    config = given.get("config")
    try:
        loaded = settings.load(
            config=None if config is None else Path(config),
            database=given.get("database"),
            account=given.get("account"),
        )
        path = sqlite_path(loaded.database_url())
        if path is not None and not path.exists():
            return []
        with Registry.open(settings=loaded, through="cli") as registry:
            return list(question(registry))
    except (VoiceregError, OSError):
        return []
