"""The page of the commands: each with its help, arguments, options and defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from docs.reference.markdown import code, prose, table
from voicereg.cli.main import cli

_TOP = """# Commands

`voicereg [OPTIONS] COMMAND [ARGS]…`. What is the same everywhere:

- `VOICE` is a registry id, a provider's voice id, an alias, or a unique beginning of an id.
- Results go to stdout, everything else to stderr. `--json` prints JSON; its keys are
  in [JSON documents](documents.md), the exit codes in [Exit codes](errors.md).
- `--help` (or `-h`) shows what is written here.

"""


def page() -> str:
    """The page."""
    return _TOP + "\n".join(_section(context) for context in all_commands())


def all_commands() -> Iterator[click.Context]:
    """The context of every command, in the order in which the help shows them."""
    yield from _below(click.Context(cli, info_name="voicereg", **cli.context_settings))


def _below(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _below(click.Context(command, context, name))


def path_of(context: click.Context) -> str:
    """A command with all its words."""
    above = f"{path_of(context.parent)} " if context.parent else ""
    return f"{above}{context.info_name}"


def _section(context: click.Context) -> str:
    command, path = context.command, path_of(context)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    paragraphs = [" ".join(part.split()) for part in (command.help or "").split("\n\n")]
    # The first level is the page; commands of a group stand below it.
    level = "##" if path.count(" ") < 2 else "###"
    parts = [f"{level} {path}\n", f"```text\n{usage}\n```\n"]
    parts += [prose(paragraph) + "\n" for paragraph in paragraphs if paragraph]
    rows = [_row(option, context) for option in _options(command)]
    if rows:
        parts.append(table(("option", "meaning", "default"), rows))
    if isinstance(command, click.Group) and path != "voicereg":
        names = [f"`{path} {name}`" for name in command.list_commands(context)]
        parts.append(f"Its commands are {', '.join(names)}.\n")
    return "\n".join(parts)


def _options(command: click.Command) -> list[click.Option]:
    return [each for each in command.params if isinstance(each, click.Option) and not each.hidden]


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    record = option.get_help_record(context)
    assert record is not None
    extra = option.get_help_extra(context)
    # A default that the text itself names stands in the column of its own.
    named = re.search(r" *\[default: (.+)\]$", option.help or "")
    said = prose((option.help or "")[: named.start()] if named else option.help or "")
    if option.multiple:
        said += " May be given several times."
    if allowed := extra.get("range"):
        said += f" ({code(allowed)})"
    default = (
        "required"
        if option.required
        else code(str(extra.get("default", named[1] if named else "")))
    )
    return code(record[0]), said.strip(), default
