"""The one place where an error becomes a line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from enum import IntEnum

import click

from voicereg.cli.output.text import fitted, printable
from voicereg.domain import errors
from voicereg.domain.errors import VoiceregError


class ExitCode(IntEnum):
    """What a shell is told."""

    DONE = 0
    """Done."""
    FAILED = 1
    """Failed."""
    USAGE = 2
    """Wrong usage or input; nothing was changed."""
    QUOTA = 3
    """The quota would be exceeded, here or by the provider's word."""
    NOT_FOUND = 4
    """No such voice or account."""
    PROVIDER = 5
    """The provider refused or could not be reached; a sync is not complete."""
    UNKNOWN_OUTCOME = 6
    """A create's outcome is unknown: do not repeat it blindly."""
    INTERRUPTED = 130
    """Interrupted by Ctrl-C, as shells have it."""


_CODES: tuple[tuple[type[VoiceregError], ExitCode], ...] = (
    (errors.InvalidInput, ExitCode.USAGE),
    (errors.KeyMissing, ExitCode.USAGE),
    (errors.AmbiguousVoice, ExitCode.USAGE),
    (errors.AccountRejected, ExitCode.USAGE),
    (errors.VoiceProtected, ExitCode.USAGE),
    (errors.QuotaExceeded, ExitCode.QUOTA),
    (errors.VoiceNotFound, ExitCode.NOT_FOUND),
    (errors.AccountNotFound, ExitCode.NOT_FOUND),
    (errors.AliasNotFound, ExitCode.NOT_FOUND),
    (errors.NoPreview, ExitCode.NOT_FOUND),
    (errors.ProviderProblem, ExitCode.PROVIDER),
    (errors.ReviewRefused, ExitCode.PROVIDER),
    (errors.DeleteUnconfirmed, ExitCode.PROVIDER),
    (errors.CreateUnresolved, ExitCode.UNKNOWN_OUTCOME),
    (errors.ConfirmNotRecorded, ExitCode.UNKNOWN_OUTCOME),
    (VoiceregError, ExitCode.FAILED),
)


def exit_code(error: VoiceregError) -> ExitCode:
    """The exit code of an error."""
    return next(code for kind, code in _CODES if isinstance(error, kind))


def describe(error: VoiceregError) -> str:
    """An error as one line, with what to do next on a second one; nothing in it moves a cursor."""
    lines = [fitted(f"voicereg: {printable(str(error))}")]
    if error.advice:
        lines.append(fitted(f"  {printable(error.advice)}"))
    return "\n".join(lines)


def report_failure(error: BaseException, *, verbose: bool) -> int:
    """Print what went wrong, and return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else ExitCode.FAILED
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone; the interpreter must not complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    if verbose and not isinstance(error, click.ClickException | click.Abort | KeyboardInterrupt):
        import traceback

        trace = "".join(traceback.format_exception(error))
        click.echo(printable(trace, keep_lines=True), err=True, nl=False)
    if isinstance(error, VoiceregError):
        click.echo(describe(error), err=True)
        return exit_code(error)
    if isinstance(error, click.ClickException):
        if error.message and not isinstance(error, click.exceptions.NoArgsIsHelpError):
            error.message = printable(error.message)  # type: ignore[misc]
        error.show()
        return error.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        click.echo("voicereg: interrupted", err=True)
        return ExitCode.INTERRUPTED
    if isinstance(error, OSError):
        # The disk is full, a directory has gone: no fault of the program.
        click.echo(f"voicereg: {printable(error.strerror or str(error))}", err=True)
        return ExitCode.FAILED
    said = printable(f"{type(error).__name__}: {error}")
    click.echo(f"voicereg: internal error: {said}\n  -v shows where it happened", err=True)
    return ExitCode.FAILED
