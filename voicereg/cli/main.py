"""The command ``voicereg``: its global options, and what happens when something goes wrong."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import re
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from voicereg.cli.app import App
from voicereg.cli.completion import complete_accounts
from voicereg.cli.failures import ExitCode, report_failure
from voicereg.cli.lazy import LazyGroup
from voicereg.version import __version__

COMMANDS = {
    "create": ("voicereg.cli.commands.create:create", "Design a voice at the provider."),
    "recreate": (
        "voicereg.cli.commands.recreate:recreate",
        "Design a voice anew, in place of one that is gone.",
    ),
    "apply": ("voicereg.cli.commands.apply:apply", "Make the voices that FILE declares."),
    "choose": (
        "voicereg.cli.commands.choose:choose",
        "Keep one of several voices made for the same key, and delete the rest.",
    ),
    "list": ("voicereg.cli.commands.list:list_voices", "List voices."),
    "show": ("voicereg.cli.commands.show:show", "Show everything known of a voice."),
    "edit": ("voicereg.cli.commands.edit:edit", "Change tags, owner, note or pin of voices."),
    "delete": ("voicereg.cli.commands.delete:delete", "Delete voices at the provider, then here."),
    "preview": (
        "voicereg.cli.commands.preview:preview",
        "Write a voice's preview audio, or play it.",
    ),
    "synthesize": (
        "voicereg.cli.commands.synthesize:synthesize",
        "Speak TEXT with a voice, and record the use.",
    ),
    "use": ("voicereg.cli.commands.use:use", "Record uses of voices made elsewhere."),
    "alias": (
        "voicereg.cli.commands.alias:alias",
        "Manage the names that services resolve to voices.",
    ),
    "quota": ("voicereg.cli.commands.quota:quota", "Show the quotas, or check that slots remain."),
    "expiring": (
        "voicereg.cli.commands.expiring:expiring",
        "Show the voices nearing their deletion, soonest first.",
    ),
    "sync": (
        "voicereg.cli.commands.sync:sync",
        "Compare the registry with the provider, and mend the registry.",
    ),
    "resolve": (
        "voicereg.cli.commands.resolve:resolve",
        "Settle by hand a create whose outcome is unknown.",
    ),
    "housekeeping": (
        "voicereg.cli.commands.housekeeping:housekeeping",
        "Look after the voices: sync, keep alive what is to stay, and warn in time.",
    ),
    "metrics": (
        "voicereg.cli.commands.metrics:metrics",
        "Print figures for Prometheus, or write them to a file.",
    ),
    "report": (
        "voicereg.cli.commands.report:report",
        "Write one HTML page about the registry.",
    ),
    "export": ("voicereg.cli.commands.export:export_voices", "Write voices to a file."),
    "import": (
        "voicereg.cli.commands.import_:import_voices",
        "Read voices from a file: put them on record, or change them.",
    ),
    "events": ("voicereg.cli.commands.events:events", "Show the audit log."),
    "account": ("voicereg.cli.commands.account:account", "Manage accounts, their keys and limits."),
    "db": ("voicereg.cli.commands.db:db", "Set up, upgrade or check the database."),
    "doctor": (
        "voicereg.cli.commands.doctor:doctor",
        "Check what is set up wrong, and say how to mend it.",
    ),
    "completion": (
        "voicereg.cli.commands.completion:completion",
        "Print what makes a shell complete commands, voices, tags.",
    ),
    "sandbox": ("voicereg.cli.commands.sandbox:sandbox", "Serve a stand-in for the provider."),
    "demo": ("voicereg.cli.commands.demo:demo", "See the whole story, without a key."),
}
"""Where each command is, and the line that ``--help`` shows without loading it."""


@click.group(
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "-d",
    "--database",
    metavar="URL",
    help="The registry: a SQLite file or postgresql://… [VOICEREG_DATABASE]",
)
@click.option(
    "-a",
    "--account",
    metavar="NAME",
    shell_complete=complete_accounts,
    help="The account to use. [VOICEREG_ACCOUNT]",
)
@click.option(
    "--base-url",
    metavar="URL",
    help="Overrides the account's address, up to /api/v1. [VOICEREG_BASE_URL]",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The settings file. [VOICEREG_CONFIG]",
)
@click.option("-v", "--verbose", count=True, help="Say more; twice: everything.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but results and errors.")
@click.version_option(__version__, message="voicereg %(version)s")
@click.pass_context
def cli(
    context: click.Context,
    database: str | None,
    account: str | None,
    base_url: str | None,
    config: Path | None,
    verbose: int,
    quiet: bool,
) -> None:
    """A catalog of designed voices.

    Records every voice, enforces the provider's quotas before a call is made, and keeps what
    cannot be had back: prompts, dates and preview audio.

    Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 the quota would be exceeded,
    4 no such voice or account, 5 the provider refused or could not be reached,
    6 a create's outcome is unknown.
    """
    context.obj = App(
        database=database,
        account=account,
        base_url=base_url,
        config=config,
        verbose=verbose,
        quiet=quiet,
    )
    if os.environ.get("NO_COLOR"):
        context.color = False


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, and return its exit code. Nothing is raised."""
    given = sys.argv[1:] if arguments is None else arguments
    verbose = _asks_for_traceback(given)
    try:
        result = cli.main(
            args=None if arguments is None else list(arguments),
            prog_name="voicereg",
            standalone_mode=False,
        )
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the one place where all errors end
        if isinstance(error, KeyboardInterrupt | click.Abort) and _is_service(given):
            return ExitCode.DONE  # before it had begun, or while it was ending
        return report_failure(error, verbose=verbose)
    return result if isinstance(result, int) else 0


def main() -> None:
    """The entry point of the program: streams, signals, exit code."""
    # Started with a closed stream, as some job runners do: what would go there goes nowhere.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # A terminal that cannot show a character gets its code, not a traceback.
            reconfigure(errors="backslashreplace")
    # Start-up makes many objects and drops few: looking for garbage meanwhile is wasted.
    gc.set_threshold(500_000, 20, 20)
    # Being told to stop is treated like Ctrl-C: a create under way is noted as unresolved.
    signal.signal(signal.SIGTERM, _interrupt)
    _leave(run())


def _leave(code: int) -> NoReturn:
    """End the process without taking every module apart first, which takes longer than a command.

    What has registered for the end of the interpreter still runs, and everything is written out.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        # What could not be written was told of already.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Who is told twice is cleaning up already, and must be let finish.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _is_service(arguments: Sequence[str]) -> bool:
    """Whether it is the command that runs until it is told to stop, which is no failure then."""
    return ("housekeeping", "start") in pairwise(arguments)


def _asks_for_traceback(arguments: Sequence[str]) -> bool:
    """Whether ``-v`` is there, known even where reading the options is what went wrong."""
    return any(
        argument == "--verbose" or re.fullmatch(r"-[qh]*v[vqh]*", argument)
        for argument in arguments
    )
