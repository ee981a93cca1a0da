"""``voicereg completion``."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from voicereg.cli.failures import ExitCode

_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def completion(context: click.Context, /, shell: str) -> int:
    """Print what makes a shell complete commands, voices, tags.

    For bash, in ~/.bashrc: eval "$(voicereg completion bash)". For zsh, in ~/.zshrc: eval
    "$(voicereg completion zsh)". For fish: voicereg completion fish >
    ~/.config/fish/completions/voicereg.fish.
    """
    script = _SHELLS[shell](context.find_root().command, {}, "voicereg", "_VOICEREG_COMPLETE")
    click.echo(script.source())
    return ExitCode.DONE
