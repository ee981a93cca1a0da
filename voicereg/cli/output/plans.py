"""What applying a manifest would do, and did, as people read it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from voicereg.cli.output.tables import Column, print_table
from voicereg.domain.counts import many
from voicereg.domain.deployments import StepDone, StepOutcome
from voicereg.domain.plans import Action, ApplyPlan, Step
from voicereg.domain.quotas import Quota

Say = Callable[[str], None]

_SIGNS = {
    Action.DESIGN: ("+", "green"),
    Action.RECREATE: ("±", "yellow"),
    Action.UPDATE: ("~", "cyan"),
    Action.DELETE: ("-", "red"),
    Action.LEAVE: ("!", "dim"),
}
_STYLES = {
    StepOutcome.DONE: "green",
    StepOutcome.WAITING: "yellow",
    StepOutcome.SKIPPED: "dim",
    StepOutcome.UNRESOLVED: "magenta",
    StepOutcome.FAILED: "red",
}
_WORDS = {
    Action.DESIGN: "to design",
    Action.RECREATE: "to recreate",
    Action.UPDATE: "to update",
    Action.DELETE: "to delete",
    Action.LEAVE: "to look at",
}


def print_plan(plan: ApplyPlan, quotas: Sequence[Quota], say: Say, *, most: int | None) -> None:
    """The steps as a table; below it what they need, and what they cost.

    Args:
        plan: what would be done.
        quotas: those that it draws on.
        say: how things are said that are no result.
        most: so many steps are shown; None: all of them.
    """
    shown = plan.steps[:most]
    if shown:
        with_voice = any(step.voice is not None for step in shown)
        columns = [column for column in _COLUMNS if with_voice or column.title != "VOICE"]
        print_table(shown, columns, "", say)
    if most and len(plan.steps) > most:
        say(f"and {len(plan.steps) - most:,} more; --plan shows all")
    counts = ", ".join(
        f"{count} {_WORDS[action]}" for action, count in plan.counts.items() if count
    )
    same = f"{plan.unchanged:,} as the file says"
    say(
        f"account {plan.account}: {counts}, {same}" if counts else f"account {plan.account}: {same}"
    )
    if any(step.entry is None for step in plan.steps):
        say(
            "is another file for some of them? a set: of its own, or --set, keeps them out of this "
            "one's --prune"
        )
    for quota in quotas:
        needed = plan.slots[quota.family]
        say(
            f"{quota.family.value}: {many(needed, 'slot')} needed, {quota.remaining:,} of "
            f"{quota.limit:,} remain"
        )
    if plan.price_fen:
        say(f"cost: up to {price(plan.price_fen)} (a design that fails costs nothing)")


def price(fen: int) -> str:
    """Money, as people read it."""
    return f"{fen // 100:,}.{fen % 100:02d} CNY"


def plan_document(plan: ApplyPlan, quotas: Sequence[Quota]) -> dict[str, Any]:
    """A plan with the keys that JSON output shows."""
    return {
        "account": plan.account,
        "counts": {action.value: count for action, count in plan.counts.items()},
        "unchanged": plan.unchanged,
        "slots": [
            {
                "family": quota.family.value,
                "needed": plan.slots[quota.family],
                "remaining": quota.remaining,
                "limit": quota.limit,
            }
            for quota in quotas
        ],
        "cost_cny": round(plan.price_fen / 100, 2),
        "steps": [step.as_dict() for step in plan.steps],
        "problems": [problem.as_dict() for problem in plan.problems],
    }


def print_results(ended: Sequence[StepDone], say: Say, *, all_of_them: bool) -> None:
    """What became of the steps.

    Args:
        ended: all of them.
        say: how things are said that are no result.
        all_of_them: also of those of which there is nothing to be known.
    """
    shown = [done for done in ended if all_of_them or _is_to_be_known(done)]
    if shown:
        print_table(shown, _RESULTS, "", say)
    say(", ".join(_told(_counted(ended))) or "nothing was done")


def _is_to_be_known(done: StepDone) -> bool:
    """Whether it is not enough to count it. What was not begun comes with the next run."""
    if done.outcome is StepOutcome.SKIPPED:
        return done.step.action is Action.DELETE
    return done.outcome is not StepOutcome.DONE


STOPPING = (
    "stopping: the voices under way are waited for, and no others are begun; Ctrl-C once more "
    "leaves them unresolved"
)


def finished(done: StepDone) -> str:
    """One step that has come to its end, in a line."""
    voice = "" if done.voice is None else f" ({done.voice.id})"
    if done.outcome is StepOutcome.DONE:
        return f"{_DONE[done.step.action]} {done.step.key}{voice}"
    why = done.why or str(done.error or "")
    return f"{done.step.key}{voice}: {done.outcome.value}: {why}"


def _counted(ended: Sequence[StepDone]) -> Mapping[tuple[Action, StepOutcome], int]:
    """How many steps of each kind ended in each way."""
    return Counter((done.step.action, done.outcome) for done in ended)


_DONE = {
    Action.DESIGN: "designed",
    Action.RECREATE: "recreated",
    Action.UPDATE: "updated",
    Action.DELETE: "deleted",
}


def _told(counts: Mapping[tuple[Action, StepOutcome], int]) -> list[str]:
    told = [
        f"{counts[action, StepOutcome.DONE]:,} {word}"
        for action, word in _DONE.items()
        if counts[action, StepOutcome.DONE]
    ]
    for outcome in (
        StepOutcome.WAITING,
        StepOutcome.FAILED,
        StepOutcome.UNRESOLVED,
        StepOutcome.SKIPPED,
    ):
        count = sum(number for (_, ended), number in counts.items() if ended is outcome)
        if count:
            told.append(f"{count:,} {'not tried' if outcome is StepOutcome.SKIPPED else outcome}")
    return told


def _what(step: Step) -> str:
    """What a step is about, in a line."""
    parts = []
    if step.action is Action.DESIGN and step.entry is not None:
        times = f"{step.count} × " if step.count > 1 else ""
        parts.append(f"{times}{step.entry.design.get('target_model', '')}")
    parts += [_change(name, *change) for name, change in step.changes.items()]
    if step.why is not None:
        parts.append(step.why)
    return "; ".join(parts)


_LONGEST = 40


def _change(name: str, before: Any, after: Any) -> str:
    return f"{name}: {_shown(before)} → {_shown(after)}"


def _shown(value: Any) -> str:
    if value in (None, "", {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = (
        " ".join(f"{key}={of}" for key, of in value.items())
        if isinstance(value, Mapping)
        else str(value)
    )
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


_COLUMNS = (
    Column[Step](
        "", lambda step: _SIGNS[step.action][0], style=lambda step: _SIGNS[step.action][1]
    ),
    Column[Step](
        "ACTION", lambda step: step.action.value, style=lambda step: _SIGNS[step.action][1]
    ),
    Column[Step]("KEY", lambda step: step.key, flexible=True),
    Column[Step]("VOICE", lambda step: "" if step.voice is None else step.voice.id, from_width=70),
    Column[Step]("WHAT", _what, folds=True),
)
_RESULTS = (
    Column[StepDone]("KEY", lambda done: done.step.key, flexible=True),
    Column[StepDone]("ACTION", lambda done: done.step.action.value),
    Column[StepDone](
        "OUTCOME", lambda done: done.outcome.value, style=lambda done: _STYLES[done.outcome]
    ),
    Column[StepDone]("VOICE", lambda done: "" if done.voice is None else done.voice.id),
    Column[StepDone](
        "VOICE ID",
        lambda done: "" if done.voice is None else done.voice.voice_id or "",
        from_width=130,
    ),
    Column[StepDone](
        "WHY",
        lambda done: done.why or ("" if done.error is None else str(done.error)),
        folds=True,
    ),
)
