"""A plan carried out: labels first, then designs, a few at a time, then aliases, then deletes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from voicereg.domain.deployments import DeploymentProgress, StepDone, StepOutcome
from voicereg.domain.designs import DesignStage
from voicereg.domain.errors import (
    ConfirmNotRecorded,
    CreateUnresolved,
    DatabaseProblem,
    InvalidInput,
    KeyMissing,
    KeyTaken,
    ProviderProblem,
    QuotaExceeded,
    ReviewRefused,
    StateConflict,
    VoiceProtected,
    VoiceregError,
)
from voicereg.domain.planning import rivals
from voicereg.domain.plans import Action, ApplyPlan, Step
from voicereg.domain.provider_errors import Arrearage, InvalidKey, NotConnected, RateLimited
from voicereg.domain.states import State
from voicereg.domain.voices import Voice
from voicereg.provider.retries import Backoff
from voicereg.registry.aliases import Aliases
from voicereg.registry.changes import locked
from voicereg.registry.context import Context
from voicereg.registry.creates import Creates
from voicereg.registry.crews import Crew
from voicereg.registry.deletes import Deletes
from voicereg.registry.designs import Designs
from voicereg.registry.lookups import Lookups
from voicereg.registry.repeating import idempotent
from voicereg.store import voice_queries

OnProgress = Callable[[DeploymentProgress], None]

_HOPELESS = (KeyMissing, InvalidKey, Arrearage, NotConnected, QuotaExceeded, DatabaseProblem)
"""What the next create would meet as well."""
_LOOK_AGAIN = timedelta(seconds=2)


class Deployments:
    """Carries out plans. Every step can be interrupted; what is done is not done twice."""

    def __init__(
        self,
        context: Context,
        lookups: Lookups,
        creates: Creates,
        designs: Designs,
        deletes: Deletes,
        aliases: Aliases,
    ) -> None:
        self._context = context
        self._lookups = lookups
        self._creates = creates
        self._designs = designs
        self._deletes = deletes
        self._aliases = aliases

    def run(
        self,
        plan: ApplyPlan,
        *,
        at_once: int = 3,
        wait: timedelta | None = None,
        unchecked: bool = False,
        on_progress: OnProgress | None = None,
    ) -> list[StepDone]:
        """Do what a plan says, going on after what fails.

        An interruption (KeyboardInterrupt) waits for the creates that are under way, and begins no
        others; a second one leaves them unresolved.

        Args:
            plan: one without problems.
            at_once: how many creates are under way at a time.
            wait: how long the provider's reviews are waited for, once all is made; None: the
                setting ``review_wait``.
            unchecked: leave to the provider the rules that it may have changed.
            on_progress: told of what has begun and ended.

        Returns:
            What became of each step; of one that makes several voices, of each of them.

        Raises:
            InvalidInput: the plan has problems, and nothing was done.
            Interrupted: as above, with what became of all steps.
        """
        if plan.problems:
            raise InvalidInput(*(problem.as_problem() for problem in plan.problems))
        work = _Work(plan, on_progress)
        try:
            for job in work.jobs:
                if job.step.action is Action.UPDATE and job.step.voice is not None:
                    work.end(job, self._update(plan.account, job.step, job.step.voice))
            self._design_all(work, at_once, unchecked=unchecked)
            if not work.is_stopping and work.failure is None:
                review_wait = self._context.settings.create.review_wait
                self._await_reviews(work, review_wait if wait is None else wait)
                for job in work.jobs:
                    if job.step.action is Action.DELETE and job.step.voice is not None:
                        work.end(job, self._delete(job.step, job.step.voice, work))
        except KeyboardInterrupt:
            work.is_stopping = True
        if work.is_stopping:
            raise Interrupted(work.results("interrupted"))
        if work.failure is not None:
            raise work.failure
        return work.results("what came before it failed")

    # Labels

    def _update(self, account: str, step: Step, voice: Voice) -> StepDone:
        try:
            done = StepDone(step, StepOutcome.DONE, self._change(step, voice.id))
        except VoiceregError as error:
            return StepDone(step, StepOutcome.FAILED, voice, error)
        return self._settled(account, done) if "alias" in step.changes else done

    @idempotent
    def _change(self, step: Step, voice: str) -> Voice:
        values: dict[str, Any] = {
            name: after for name, (_, after) in step.changes.items() if name != "alias"
        }
        with self._context.database.write() as connection:
            changes, current = locked(self._context, connection, voice)
            if current.state.is_gone:
                raise StateConflict(current, "it is gone since it was looked at")
            if "manifest_key" in values and current.manifest_key != step.key:
                self._check_free(connection, step, current)
            return changes.apply(current, "voice.edit", values, f"the manifest's {step.key}")

    def _check_free(self, connection: sa.Connection, step: Step, current: Voice) -> None:
        """Make sure that a voice may still get the key which the plan gives it."""
        had = current.manifest_key or current.candidate_for
        if had != step.changes["manifest_key"][0]:
            raise StateConflict(current, f"it has the key {had} since it was looked at")
        owner = self._context.account(connection, current.account)
        for other in voice_queries.of_key(connection, owner.id, step.key):
            if other.manifest_key == step.key and other.id != current.id:
                raise KeyTaken(other, step.key)

    # Designs

    def _design_all(self, work: _Work, at_once: int, *, unchecked: bool) -> None:
        """Design all voices, a few at a time, and give each its alias as soon as it can speak."""
        recorded: dict[_Job, Voice] = {}

        def design(job: _Job) -> StepDone:
            note = partial(recorded.__setitem__, job)
            return self._design(work, job.step, note, unchecked=unchecked)

        jobs = [job for job in work.jobs if job.step.count]

        crew = Crew(jobs, design, at_once)
        try:
            crew.start()
            self._follow(crew, work)
        except KeyboardInterrupt:
            crew.drop()
            self._leave(crew, work, recorded)
            raise

    def _follow(self, crew: Crew[_Job, StepDone], work: _Work) -> None:
        """Hear what becomes of all jobs; an interruption lets those under way end, and no more."""
        while True:
            try:
                # In this order: what ends between the two is heard of the next time.
                is_over = crew.has_ended
                self._hear(crew, work)
                if is_over:
                    return
                crew.wait(_LOOK_AGAIN)
            except KeyboardInterrupt:
                if work.is_stopping:
                    raise
                work.is_stopping = True
                crew.drop()
                work.tell()
            except Exception as error:  # noqa: BLE001 - raised once what is under way has ended
                work.failure = work.failure or error
            if work.failure is not None:
                crew.drop()

    def _hear(self, crew: Crew[_Job, StepDone], work: _Work) -> None:
        """Note what has ended since the last time, and what is under way."""
        for job, done in crew.ended.items():
            if work.has_ended(job):
                continue
            if isinstance(done, BaseException):
                work.failure = work.failure or done
                continue
            if isinstance(done.error, _HOPELESS):
                self._give_up(crew, work, job, done.error)
            work.end(job, self._settled(work.account, done))
        under_way = [job.step.key for job in crew.under_way]
        if under_way != work.under_way:
            work.under_way = under_way
            work.tell()

    def _give_up(
        self, crew: Crew[_Job, StepDone], work: _Work, failed: _Job, error: VoiceregError
    ) -> None:
        """Begin no more of what would fail in the same way."""
        # Of a full quota the other family knows nothing.
        family = failed.step.family if isinstance(error, QuotaExceeded) else None
        for job in crew.drop(lambda job: family is None or job.step.family is family):
            why = f"it would end like {failed.step.key}"
            work.end(job, StepDone(job.step, StepOutcome.SKIPPED, why=why))

    def _leave(
        self, crew: Crew[_Job, StepDone], work: _Work, recorded: Mapping[_Job, Voice]
    ) -> None:
        """Wait no more; of what is under way nobody knows what becomes of it."""
        for job in crew.under_way:
            if job in recorded:
                work.end(job, self._abandoned(job.step, recorded[job]))
        for job, done in crew.ended.items():
            if not work.has_ended(job) and isinstance(done, StepDone):
                work.end(job, done)

    def _design(
        self, work: _Work, step: Step, note: Callable[[Voice], None], *, unchecked: bool
    ) -> StepDone:
        def note_stage(stage: DesignStage, voice: Voice) -> None:
            if stage is DesignStage.RECORDED:
                note(voice)

        asked = step.asked(unchecked=unchecked)
        backoff = Backoff(self._context.rng, self._context.sleep)
        refused: list[RateLimited] = []

        def attempt() -> Voice | RateLimited:
            if refused and work.is_stopping:
                return refused[-1]  # another try would be another create
            try:
                return self._designs.design(
                    asked, account=work.account, wait=timedelta(0), on_stage=note_stage
                )
            except RateLimited as limited:
                refused.append(limited)
                raise

        try:
            voice = backoff.run(attempt, (RateLimited,))
            if isinstance(voice, RateLimited):
                raise voice
        except (CreateUnresolved, ConfirmNotRecorded) as error:
            return StepDone(step, StepOutcome.UNRESOLVED, error.voice, error)
        except KeyTaken as taken:
            # Somebody else applies the same file.
            return StepDone(step, StepOutcome.SKIPPED, taken.voice, why=str(taken))
        except VoiceregError as error:
            return StepDone(step, StepOutcome.FAILED, None, error)
        return StepDone(step, StepOutcome.DONE, voice)

    def _abandoned(self, step: Step, voice: Voice) -> StepDone:
        """Note of a create that nobody waits for any more that its outcome is unknown."""
        cause = "interrupted (KeyboardInterrupt)"
        try:
            voice = self._creates.leave_unresolved(voice.id, cause)
        except StateConflict as made:
            return StepDone(step, StepOutcome.DONE, made.voice)
        except DatabaseProblem:
            pass  # the lease on it says so later
        if voice.state is State.FAILED:
            return StepDone(step, StepOutcome.SKIPPED, voice, why="interrupted")
        return StepDone(step, StepOutcome.UNRESOLVED, voice, CreateUnresolved(voice, cause))

    def _await_reviews(self, work: _Work, wait: timedelta) -> None:
        """Look at what is being reviewed until all of it is usable, or the time is up."""
        give_up_at = self._context.clock.monotonic() + wait
        while True:
            for job, done in work.waiting():
                work.end(job, self._settled(work.account, done))
            left = give_up_at - self._context.clock.monotonic()
            if left <= timedelta(0) or not any(work.waiting()):
                return
            self._context.sleep(min(_LOOK_AGAIN, left))

    def _settled(self, account: str, done: StepDone) -> StepDone:
        """What became of a voice that is there: its alias is given once its review is over."""
        step, voice = done.step, done.voice
        if voice is None or done.outcome not in (StepOutcome.DONE, StepOutcome.WAITING):
            return done
        try:
            try:
                voice = self._designs.refresh(voice)
            except ProviderProblem as problem:
                # It is made all the same, and may be too new for the place that answers queries.
                why = f"it is made, and its review was not learnt: {problem}"
                return StepDone(step, StepOutcome.WAITING, voice, why=why)
            if voice.state is State.PENDING:
                why = "it is made, and still being reviewed"
                return StepDone(step, StepOutcome.WAITING, voice, why=why)
            if voice.state is State.REJECTED:
                raise ReviewRefused(voice)
            if voice.state is not State.ACTIVE:
                why = f"it is {voice.state.value}"
                return StepDone(step, StepOutcome.FAILED, voice, why=why)
            alias = None if step.entry is None else step.entry.alias
            if alias is not None and alias not in voice.aliases and voice.candidate_for is None:
                self._aliases.set(alias, voice.id, account)
            return StepDone(step, StepOutcome.DONE, self._lookups.voice(voice.id, account))
        except VoiceregError as error:
            # It is there all the same; the next run gives it what it lacks.
            return StepDone(step, StepOutcome.FAILED, voice, error)

    # Deletes

    def _delete(self, step: Step, voice: Voice, work: _Work) -> StepDone:
        try:
            if step.entry is not None and not self._is_replaced(work.account, voice, step.key):
                why = "what is to stand in for it cannot be used yet"
                return StepDone(step, StepOutcome.SKIPPED, voice, why=why)
            current = self._lookups.voice(voice.id, work.account)
            if current.last_activity_at != voice.last_activity_at and step.entry is None:
                raise StateConflict(current, "it was used since it was listed, and is left alone")
            if current.aliases:
                raise VoiceProtected(current, f"known as {current.aliases[0]}")
            if current.pinned and not voice.pinned:
                raise VoiceProtected(current, "pinned")
            # A pin that was there when this was planned is the file's own.
            gone = self._deletes.delete(current.id, account=work.account, force=current.pinned)
        except VoiceregError as error:
            return StepDone(step, StepOutcome.FAILED, voice, error)
        return StepDone(step, StepOutcome.DONE, gone)

    @idempotent
    def _is_replaced(self, account: str, voice: Voice, key: str) -> bool:
        """Whether another voice has the key by now, and can be used."""
        with self._context.database.read() as connection:
            owner = self._context.account(connection, account)
            standing = voice_queries.of_key(connection, owner.id, key)
        having = rivals([one for one in standing if one.manifest_key == key], None)
        return bool(having) and having[-1].id != voice.id and having[-1].state is State.ACTIVE


class Interrupted(KeyboardInterrupt):
    """The work was interrupted. What is done is done; the rest is left for the next run."""

    def __init__(self, ended: Sequence[StepDone]) -> None:
        super().__init__("interrupted")
        self.ended = tuple(ended)


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    step: Step
    number: int
    """Which one of the voices that the step makes."""


class _Work:
    """What is to be done, what became of it, and who is told."""

    def __init__(self, plan: ApplyPlan, on_progress: OnProgress | None) -> None:
        self.account = plan.account
        self.jobs = [
            _Job(step, number)
            for step in plan.steps
            if step.action is not Action.LEAVE
            for number in range(max(1, step.count))
        ]
        self.failure: BaseException | None = None
        """What nobody foresaw; it is raised once what is under way has ended."""
        self.under_way: Sequence[str] = ()
        self.is_stopping = False
        self._on_progress = on_progress
        self._ended: dict[_Job, StepDone] = {}

    def waiting(self) -> Iterator[tuple[_Job, StepDone]]:
        """What waits for the provider's review."""
        yield from [
            (job, done) for job, done in self._ended.items() if done.outcome is StepOutcome.WAITING
        ]

    def has_ended(self, job: _Job) -> bool:
        """Whether it is known what became of a job."""
        return job in self._ended

    def end(self, job: _Job, done: StepDone) -> None:
        """Note what became of a job; it may wait for a review, and end once more after that."""
        had = self._ended.get(job)
        self._ended[job] = done
        if had is None or had.outcome is not done.outcome:
            self.tell(done)

    def tell(self, done: StepDone | None = None) -> None:
        """Say how far the work has come; that nobody can be told is no reason to leave it."""
        if self._on_progress is None:
            return
        progress = DeploymentProgress(
            finished=done,
            done=len(self._ended),
            total=len(self.jobs),
            under_way=tuple(self.under_way),
            is_stopping=self.is_stopping,
        )
        try:
            self._on_progress(progress)
        except Exception as error:  # noqa: BLE001 - raised once what is under way has ended
            self._on_progress, self.failure = None, self.failure or error

    def results(self, why: str) -> list[StepDone]:
        """What became of all jobs, in their order; of those not begun, why."""
        return [
            self._ended.get(job) or StepDone(job.step, StepOutcome.SKIPPED, why=why)
            for job in self.jobs
        ]
