"""``voicereg apply``: the voices that a file declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click

from voicereg.cli.app import App, pass_app
from voicereg.cli.chosen import ask, check_askable
from voicereg.cli.designing import rescue_preview, wait_for_review, wait_options
from voicereg.cli.failures import ExitCode, exit_code
from voicereg.cli.manifest_files import FORMATS, form_of, read_document
from voicereg.cli.options import json_option
from voicereg.cli.output.documents import print_json
from voicereg.cli.output.plans import (
    STOPPING,
    finished,
    plan_document,
    price,
    print_plan,
    print_results,
)
from voicereg.cli.output.tables import on_terminal
from voicereg.cli.output.text import fitted, printable
from voicereg.cli.reading import opened
from voicereg.domain.counts import many
from voicereg.domain.deployments import DeploymentProgress, StepDone, StepOutcome
from voicereg.domain.errors import ConfirmNotRecorded
from voicereg.domain.manifests import read_manifest
from voicereg.domain.plans import Action, ApplyPlan

_TOLD = 20
"""So many problems are told of one by one; JSON has all."""
_SHOWN = 40
"""So many steps are shown to who is asked. Where a program reads, what became of them is printed
once they are done."""
_MOST_AT_ONCE = 16


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@click.option("--plan", "plan_only", is_flag=True, help="Show what would be done; do nothing.")
@click.option("--recreate", is_flag=True, help="Design anew what is made from something else now.")
@click.option("--prune", is_flag=True, help="Delete voices that the file declares no longer.")
@click.option(
    "--set",
    "set_name",
    metavar="NAME",
    help="What the keys of the file belong to, where it does not say; of another, none is touched.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, _MOST_AT_ONCE),
    default=3,
    show_default=True,
    metavar="N",
    help="How many voices the provider designs at a time.",
)
@wait_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="What the file is, where its ending does not tell.",
)
@json_option
@pass_app
def apply(
    app: App,
    /,
    file: Path,
    plan_only: bool,
    recreate: bool,
    prune: bool,
    set_name: str | None,
    at_once: int,
    wait_seconds: float | None,
    no_wait: bool,
    yes: bool,
    unchecked: bool,
    form: str | None,
    as_json: bool,
) -> int:
    """Make the voices that FILE declares.

    FILE is YAML, TOML, JSON, JSON lines or CSV; - for stdin. Each voice in it has a key of its
    own. What is not there is designed, a few at a time; tags, owner, note, pin and alias are
    changed where they differ. What is made from something else by now is left alone without
    --recreate, and what the file declares no longer without --prune. The plan is shown first, with
    the slots and the money that it needs, and is refused whole where the quota cannot hold it.

    After a failure it goes on with the others. Ctrl-C waits for what is under way; run it again,
    and what is done is not done twice.

    Exit code 1: not all is as the file says.
    """
    wait = wait_for_review(wait_seconds, no_wait=no_wait)
    with opened(file, "file") as stream:
        document = read_document(stream, form_of(file, form))
    if set_name is not None:
        document = replace(document, top={"set": set_name, **document.top})
    manifest = read_manifest(document)
    registry = app.registry
    plan = registry.manifests.plan(manifest, recreate=recreate, prune=prune, unchecked=unchecked)
    if plan.problems:
        if as_json:
            print_json(plan_document(plan, []))
        _tell_problems(plan)
        return ExitCode.USAGE
    quotas = [registry.quota(family, account=plan.account) for family in sorted(plan.slots)]
    if not as_json:
        most = None if plan_only or plan.is_nothing else _SHOWN if on_terminal() else 0
        print_plan(plan, quotas, app.say, most=most)
    elif plan_only or plan.is_nothing:
        print_json(plan_document(plan, quotas) | {"results": []})
    registry.manifests.room_for(plan)
    if plan_only or plan.is_nothing:
        if plan_only and not plan.is_nothing:
            app.say("nothing was done: this is what would be")
        return ExitCode.FAILED if plan.is_open else ExitCode.DONE
    if not yes:
        check_askable("apply the plan")
        ask(_question(plan), otherwise="nothing was done")
    ended, is_interrupted = _run(app, plan, at_once=at_once, wait=wait, unchecked=unchecked)
    if as_json:
        print_json(plan_document(plan, quotas) | {"results": [done.as_dict() for done in ended]})
    else:
        print_results(ended, app.say, all_of_them=not on_terminal())
    for done in ended:
        if isinstance(done.error, ConfirmNotRecorded) and done.error.preview is not None:
            rescue_preview(app, done.error.voice, done.error.preview)
    if is_interrupted:
        app.say("interrupted: run it again, and what is done is not done twice")
    if any(done.outcome is StepOutcome.UNRESOLVED for done in ended):
        app.say(
            "voicereg sync settles what is unresolved, once it is old enough; until then it is "
            "not asked for again"
        )
        return ExitCode.UNKNOWN_OUTCOME
    if is_interrupted:
        return ExitCode.INTERRUPTED
    return _exit_code(ended, plan)


def _run(
    app: App,
    plan: ApplyPlan,
    *,
    at_once: int,
    wait: timedelta | None,
    unchecked: bool,
) -> tuple[Sequence[StepDone], bool]:
    """What became of the steps, and whether somebody interrupted them."""
    from voicereg.registry.deployments import Interrupted

    with _progress(app) as show:
        try:
            ended = app.registry.deployments.run(
                plan, at_once=at_once, wait=wait, unchecked=unchecked, on_progress=show
            )
        except Interrupted as interrupted:
            return interrupted.ended, True
    return ended, False


@contextmanager
def _progress(app: App) -> Iterator[Callable[[DeploymentProgress], None]]:
    """A bar on a terminal; a line for each voice elsewhere; nothing when quiet."""
    if app.shows_progress:
        from voicereg.cli.output.progress import deployment_bar

        with deployment_bar() as show:
            yield show
        return
    has_told = False

    def tell(progress: DeploymentProgress) -> None:
        nonlocal has_told
        if progress.finished is not None:
            app.say(f"{progress.done} of {progress.total}: {finished(progress.finished)}")
        elif progress.is_stopping and not has_told:
            has_told = True
            app.say(STOPPING)

    yield tell


def _tell_problems(plan: ApplyPlan) -> None:
    for problem in plan.problems[:_TOLD]:
        click.echo(fitted(printable(str(problem))), err=True)
    count = len(plan.problems)
    if count > _TOLD:
        click.echo(f"and {count - _TOLD:,} problems more", err=True)
    click.echo(f"voicereg: {many(count, 'problem')} in the file; nothing was done", err=True)


def _question(plan: ApplyPlan) -> str:
    counts = plan.counts
    made = counts[Action.DESIGN] + counts[Action.RECREATE]
    parts = []
    if made:
        cost = f" for up to {price(plan.price_fen)}" if plan.price_fen else ""
        parts.append(f"design {many(made, 'voice')}{cost}")
    if counts[Action.UPDATE]:
        parts.append(f"update {counts[Action.UPDATE]:,}")
    if counts[Action.DELETE]:
        parts.append(f"delete {counts[Action.DELETE]:,} for good")
    said = ", ".join(parts)
    return f"{said[0].upper()}{said[1:]}?"


def _exit_code(ended: Sequence[StepDone], plan: ApplyPlan) -> int:
    """The worst that happened, or that the file is not fulfilled."""
    codes = [
        ExitCode.FAILED if done.error is None else exit_code(done.error)
        for done in ended
        if done.outcome in (StepOutcome.FAILED, StepOutcome.SKIPPED)
    ]
    # What was not tried comes after what kept it from being tried.
    named = [code for code in codes if code is not ExitCode.FAILED]
    if named or codes:
        return (named or codes)[0]
    return ExitCode.FAILED if plan.is_open else ExitCode.DONE
