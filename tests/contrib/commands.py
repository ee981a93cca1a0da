"""Command lines in texts: whether the program takes them."""

from __future__ import annotations

import re
import shlex

import click

from voicereg.cli.main import cli

_EXAMPLES = {
    "VOICE": "k7m2x9q4w3tz",
    "VOICE_ID": "qwen-tts-vd-1",
    "NAME": "studio",
    "TIME": "2026-11-20T10:00+08:00",
}


def quoted_commands(text: str) -> list[str]:
    """What stands between backticks."""
    return [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", text)]


def parse(line: str) -> None:
    """Read a command line of voicereg as the program does, and do nothing.

    Raises:
        click.ClickException: there is no such command, option or value.
    """
    line = re.sub(r"\{\{ \$labels\.family \}\}", "cosyvoice", line)
    line = re.sub(r"\{\{ \$labels\.\w+ \}\}", "default", line)
    program, *words = shlex.split(line, comments=True)
    assert program == "voicereg", line
    words = [_EXAMPLES.get(word, word) for word in words]
    command: click.Command = cli
    name, parent = program, None
    while True:
        context = command.make_context(name, words, parent=parent)
        if not isinstance(command, click.Group):
            return
        rest = [*context._protected_args, *context.args]
        if not rest:
            raise click.exceptions.NoArgsIsHelpError(context)
        found, chosen, words = command.resolve_command(context, rest)
        assert found is not None
        assert chosen is not None
        name, command, parent = found, chosen, context
