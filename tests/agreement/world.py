"""A registry, its provider, and all that can come between them; with the truth kept beside."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import httpx
import sqlalchemy as sa

from tests.agreement.mortal import MANAGEMENT, Away, Life, Loss, Meanwhile, Process, Said, action_of
from tests.engine.waiting import until
from tests.fakes import FakeClock
from tests.registry.support import set_limits
from voicereg import (
    CreateSettings,
    CreateUnresolved,
    DeleteUnconfirmed,
    Family,
    InvalidInput,
    NotConnected,
    Origin,
    ProviderProblem,
    ProviderRefused,
    QuotaExceeded,
    Registry,
    Settings,
    Slot,
    State,
    StateConflict,
    Sync,
    Voice,
    VoiceGone,
    VoiceProtected,
)
from voicereg.domain.designs import DesignStage
from voicereg.domain.errors import DatabaseProblem
from voicereg.domain.speech import Manner, SpeechRequest
from voicereg.domain.states import FOLLOWS, GONE
from voicereg.domain.voices import INACTIVITY_LIMIT, DeadlineBasis
from voicereg.provider.client import ProviderClient
from voicereg.provider.endpoints import Endpoint
from voicereg.sandbox import Sandbox, SandboxVoice
from voicereg.tables import events, unclaimed_uses, voice_uses, voices

_OBSERVER = 2
"""The number of the process that only looks."""
_MARGIN = timedelta(minutes=2)
"""A request that comes late comes at least so long before it counts as ended."""
_STATE_OF = {"OK": State.ACTIVE, "DEPLOYING": State.PENDING, "UNDEPLOYED": State.REJECTED}
_BEGINNINGS = ("voice.create", "voice.import")
_OF_STATUS = _STATE_OF.values()

REFUSALS = frozenset({"429", "429-retry-after", "quota-full"})
"""What says that nothing was done: here it is true."""

_SOON = timedelta(hours=1)
"""Long before that, a process that runs knows what became of a batch."""
_TEXT = "Hi."
_USABLE = frozenset({State.ACTIVE, State.MISSING})

DELETABLE = frozenset(State) - GONE - {State.CREATING, State.UNRESOLVED}

Visible = tuple[str, str | None, str | None, str | None, str | None]
"""What the provider shows of what a voice was made from."""


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in one step."""

    fault: str | None = None
    """A kind of the sandbox's, or ``offline``."""
    on: str = "*"
    after: bool = False
    times: int | None = 1
    skip: int = 0
    loss: Loss | None = None
    ends_in: int | None = None
    """The process is killed after so many instants."""
    meanwhile: tuple[str, int] | None = None
    """What another process does meanwhile, and with what."""
    meanwhile_after: bool = False
    lie: bool = False
    """Whether the provider says that nothing was done, and has done it all the same."""


NONE = Trouble()


@dataclass
class Attempt:
    """A create, as whoever asked for it knows it."""

    voice: Voice
    """The record as it was when it was made."""
    slot: Slot | None = None
    process: Process | None = None
    voice_id: str | None = None
    """What it made."""
    requests: int = 0
    """How often the provider got it."""
    is_open: bool = True
    """Whether the caller has not settled it yet."""

    @property
    def given(self) -> tuple[object, ...]:
        """All that the user gave."""
        voice = self.voice
        return (*visible(voice), voice.language, tuple(sorted(voice.tags.items())))


@dataclass
class Late:
    """A request that the provider will get when nobody waits for it any more."""

    request: httpx.Request
    attempt: str | None
    at_last: datetime


def visible(voice: Voice | SandboxVoice) -> Visible:
    return (
        str(voice.family),
        voice.target_model,
        voice.name,
        voice.prompt,
        voice.preview_text,
    )


@dataclass
class _Seen:
    """What earlier steps have shown."""

    last_event: int = 0
    states: dict[str, State] = field(default_factory=dict)
    last_used: dict[str, datetime] = field(default_factory=dict)
    missing_at: dict[str, datetime] = field(default_factory=dict)
    """When voices were last found missing."""
    went: list[tuple[str, State]] = field(default_factory=list)
    """Records that ended in this step, and how."""


@dataclass
class Tally:
    """The uses of one voice, as they must have been counted."""

    counts: Counter[tuple[date, str]] = field(default_factory=Counter)
    last: datetime | None = None

    def add(self, other: Tally) -> None:
        self.counts += other.counts
        self.last = max(filter(None, (self.last, other.last)), default=None)


class World:
    """Two processes with one registry, one provider, and one who sees all."""

    def __init__(
        self,
        url: str,
        *,
        limit: int = 6,
        crowd: int = 0,
        page_cap: int | None = None,
        utc_offset: timedelta = timedelta(hours=8),
        review_time: timedelta = timedelta(0),
        create: CreateSettings | None = None,
    ) -> None:
        self.clock = FakeClock()
        self._url = url
        create = create or CreateSettings()
        self.settle_after = create.settle_after
        self.longest_delete = create.longest_delete
        self._settings = Settings(create=create)
        self.limits = dict.fromkeys(Family, limit + crowd)
        """How many voices the provider allows."""
        self.sandbox = Sandbox.start(
            limits={str(family): most for family, most in self.limits.items()},
            review_time=review_time,
            page_cap=page_cap,
            utc_offset=utc_offset,
            clock=self.clock.now,
            rng=Random(0),
            delete_idle_after=INACTIVITY_LIMIT,
        )
        self.sandbox.on_action("create", self._before_create, times=None, when="before")
        self.sandbox.on_action("create", self._after_create, times=None, when="after")
        self.sandbox.on_action("delete", self._after_delete, times=None, when="after")
        for action in MANAGEMENT:
            self.sandbox.on_action(action, self._after_any, times=None, when="after")
        self.sandbox.on_action("*", lambda sandbox: self._look(), times=None, when="after")
        self._engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
        self._direct = httpx.Client(trust_env=False, verify=False)
        self.deaths = 0
        """How many processes were killed."""
        self._failures: list[BaseException] = []
        self._handled = 0
        self._late_ones = 0
        self.error: BaseException | None = None
        """How the last step ended, where it was with an error that a caller has to expect."""
        self._there: set[str] = set()
        self._current: str | None = None
        self._began_at = self.clock.now()
        self._seen = _Seen()
        self.attempts: dict[str, Attempt] = {}
        self.maker: dict[str, str | None] = {}
        """Who made each voice that there ever was at the provider; None: somebody else."""
        self.deleted: set[str] = set()
        """Voices that a request of the registry deleted."""
        self.remotes: dict[str, SandboxVoice] = {}
        """The voices that there ever were at the provider, as they were when last seen."""
        self.gone: dict[str, datetime] = {}
        """When those went that are there no more."""
        self.tallies: dict[str, Tally] = {}
        """The uses written, by the registry id of the record that they count for."""
        self.unclaimed: dict[str, Tally] = {}
        """The uses written of voices on no record, by the provider's id."""
        self._holders: dict[str, str] = {}
        """Which record has an id of the provider's, by that id."""
        self._untrue: set[datetime] = set()
        """When voices were used, by the word of those who used none then."""
        self.lates: list[Late] = []
        self.lied = False
        """Whether the provider has said what was not so."""
        self.blurred: set[Visible] = set()
        """What others have made voices from, too: nobody can tell them apart."""
        self._elsewhere = ProviderClient(
            Endpoint(self.sandbox.base_url, "sandbox", None),
            self.sandbox.api_key,
            clock=self.clock,
        )
        """Somebody who uses voices, and not through the registry."""
        self._processes: dict[int, Process] = {}
        self.observer = self._process(_OBSERVER)
        set_limits(self.observer.registry, dict.fromkeys(Family, limit + crowd))
        if crowd:
            for family in Family:
                for voice in self.sandbox.fill(family, crowd):
                    self.maker[voice.voice_id] = None
            self.process(0).registry.sync()
        self.check()

    def close(self) -> None:
        for process in self._processes.values():
            process.registry.close()
        self._direct.close()
        self._elsewhere.close()
        self._engine.dispose()
        self.sandbox.stop()

    def process(self, who: int) -> Process:
        """One of those who work with the registry."""
        if who not in self._processes:
            self._processes[who] = self._process(who)
        return self._processes[who]

    def _process(self, number: int) -> Process:
        process = self._processes[number] = Process(
            f"process {number}",
            self._url,
            self.clock,
            self.sandbox,
            settings=self._settings,
            late=self._comes_late,
            written=self._written,
            seed=number,
        )
        return process

    # --- what the provider sees -----------------------------------------------------------

    def _before_create(self, sandbox: Sandbox) -> None:
        with self._noting():
            assert self._current is not None
            with self._engine.connect() as connection:
                recorded = connection.execute(
                    sa.select(voices.c.state).where(voices.c.id == self._current)
                ).scalar_one_or_none()
            assert recorded is not None, "a create without a record came to the provider"
            attempt = self.attempts[self._current]
            attempt.requests += 1
            assert attempt.requests == 1, "a create came to the provider twice"

    def _after_create(self, sandbox: Sandbox) -> None:
        with self._noting():
            for voice in sandbox.voices():
                if voice.voice_id not in self.maker:
                    assert self._current is not None
                    self._made(voice.voice_id, self._current)

    def _made(self, voice_id: str, attempt: str | None) -> None:
        self.maker[voice_id] = attempt
        if attempt is not None:
            self.attempts[attempt].voice_id = voice_id

    def _after_delete(self, sandbox: Sandbox) -> None:
        with self._noting():
            there = {voice.voice_id for voice in sandbox.voices()}
            # One that was to go by itself is gone before anybody can delete it.
            self.deleted |= {one for one in self._there - there if not self._is_idle(one)}
            self._there = there

    def _look(self) -> None:
        """See what there is at the provider, and what is there no more."""
        now = self.clock.now()
        there = {voice.voice_id: voice for voice in self.sandbox.voices()}
        for voice_id in self.remotes.keys() - there.keys() - self.gone.keys():
            self.gone[voice_id] = self._idle_at(voice_id) if self._is_idle(voice_id) else now
        self.remotes |= there

    def _idle_at(self, voice_id: str) -> datetime:
        """When the provider deletes a voice if nobody uses it any more."""
        return self.remotes[voice_id].last_active_at + INACTIVITY_LIMIT

    def _is_idle(self, voice_id: str) -> bool:
        return voice_id in self.remotes and self._idle_at(voice_id) <= self.clock.now()

    def _after_any(self, sandbox: Sandbox) -> None:
        self._handled += 1

    def _all_have_arrived(self) -> bool:
        sent = self._late_ones + sum(process.line.sent for process in self._processes.values())
        return self._handled >= sent

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except BaseException as failure:
            self._failures.append(failure)
            raise

    @property
    def at_provider(self) -> list[SandboxVoice]:
        return list(self.sandbox.voices())

    def _comes_late(self, request: httpx.Request) -> None:
        is_create = action_of(request) == "create"
        if action_of(request) not in {"create", "delete"}:
            return
        attempt = self._current if is_create else None
        if attempt is not None:
            at_last = self.attempts[attempt].voice.created_at + self.settle_after
        else:
            at_last = self._began_at + self.longest_delete
        self.lates.append(Late(request, attempt, at_last - _MARGIN))

    def arrive(self, number: int) -> None:
        """One of the late requests comes to the provider."""
        late = self.lates.pop(number % len(self.lates))
        self._late_ones += 1
        with self._creating(late.attempt):
            self._there = {voice.voice_id for voice in self.at_provider}
            self._direct.post(
                late.request.url,
                content=late.request.content,
                headers={
                    name: late.request.headers[name] for name in ("authorization", "content-type")
                },
            )

    @contextmanager
    def _creating(self, attempt: str | None) -> Iterator[None]:
        before, self._current = self._current, attempt
        try:
            yield
        finally:
            self._current = before

    # --- what happens -----------------------------------------------------------------------

    @contextmanager
    def _troubled(self, process: Process, trouble: Trouble) -> Iterator[Process]:
        """One step of a process, with what goes wrong in it."""
        self._began_at = self.clock.now()
        self._look()
        self._there = {voice.voice_id for voice in self.at_provider}
        meanwhile: Meanwhile | None = None
        if trouble.meanwhile is not None:
            what, number = trouble.meanwhile
            another = int(process is self.process(0))
            meanwhile = Meanwhile(lambda: self._meanwhile(another, what, number))
            self.sandbox.on_action(
                trouble.on,
                meanwhile,
                when="after" if trouble.meanwhile_after else "before",
                skip=trouble.skip,
            )
        self.error = None
        self.lied |= trouble.lie or trouble.fault in {"empty-page", "quota-full"}
        if trouble.fault == "timeout":
            process.line.lose(trouble.on, Loss.HELD, trouble.times or 99)
        if trouble.fault == "offline":
            self.sandbox.go_offline()
            if trouble.times is not None:
                process.on_sleep = self.sandbox.go_online
        elif trouble.fault is not None:
            self.sandbox.misbehave(
                trouble.on,
                trouble.fault,
                times=trouble.times,
                after=trouble.after and (trouble.lie or trouble.fault not in REFUSALS),
                skip=trouble.skip,
            )
        if trouble.loss is not None:
            process.line.lose(trouble.on, trouble.loss, trouble.times or 4)
        process.life.ends_in(trouble.ends_in)
        try:
            yield process
        except (Exception, GeneratorExit):
            raise
        finally:
            process.life.ends_in(None)
            process.on_sleep = lambda: None
            process.line.lose_nothing_more()
            if trouble.fault == "timeout":
                until(self._all_have_arrived)
            self.sandbox.clear_faults()
            self.sandbox.go_online()
            if meanwhile is not None:
                meanwhile.is_off = True
            if process.life.is_over:
                self.deaths += 1
                process.bury()
                for attempt in self.attempts.values():
                    if attempt.process is process:
                        attempt.is_open, attempt.slot = False, None
        if meanwhile is not None:
            meanwhile.check()

    def _meanwhile(self, who: int, what: str, number: int) -> None:
        there = self._there
        match what:
            case "design":
                if self._current is None:  # creates do not overlap here: see _after_create
                    self.design(who, number)
            case "reserve":
                self.reserve(who, number)
            case "delete":
                self.delete(who, number)
            case "sync":
                self.sync(who)
            case "add":
                self.add(number, Origin.DESIGNED, timedelta(0))
            case "remove":
                self.remove(number)
            case "use":
                self.use(number, who)
            case "confirm":
                self.carry_out(number)
                self.confirm(number)
            case "wait":
                self.advance(timedelta(minutes=number % 6))
            case "leap":
                self.advance(timedelta(days=365))
            case _:
                raise AssertionError(what)
        self._there = there & {voice.voice_id for voice in self.at_provider}

    @contextmanager
    def _accepting(self, life: Life, *expected: type[BaseException]) -> Iterator[None]:
        """What a step may end with; the last breath of a process may be anything."""
        try:
            yield
        except AssertionError:
            raise
        except expected:
            pass
        except BaseException:
            if not life.is_over:
                raise

    def design(self, who: int, number: int, trouble: Trouble = NONE) -> Voice | None:
        """A voice is designed through the registry."""
        made: list[Voice] = []
        recorded: list[Voice] = []

        def on_stage(stage: DesignStage, voice: Voice) -> None:
            if stage is DesignStage.RECORDED:
                recorded.append(voice)
                self._current = voice.id
                self._begun(Attempt(voice, is_open=False))

        asked = request(number)
        family = family_of(asked)
        room = self._room(family)
        with self._creating(None), self._troubled(self.process(who), trouble) as process:
            with self._accepting(process.life):
                try:
                    made.append(
                        process.registry.design(wait=timedelta(0), on_stage=on_stage, **asked)
                    )
                except (QuotaExceeded, ProviderRefused, NotConnected, CreateUnresolved) as problem:
                    self.error = problem
                    if isinstance(problem, QuotaExceeded) and not problem.by_provider:
                        assert not room or trouble.meanwhile is not None, "refused though it fits"
            is_dead = process.life.is_over
        if is_dead or not recorded or trouble.meanwhile is not None:
            return made[0] if made else None
        state = self.observer.registry.voice(recorded[0].id).state
        attempt = self.attempts[recorded[0].id]
        if made:
            assert state in _OF_STATUS
            assert attempt.voice_id == made[0].voice_id
            return made[0]
        if isinstance(self.error, CreateUnresolved):
            assert state is State.UNRESOLVED
        else:
            assert state is State.FAILED
            assert self.lied or attempt.voice_id is None, "a voice that was made is given up"
        return None

    def _room(self, family: Family) -> bool:
        return self.observer.registry.quota(family).remaining > 0

    def _begun(self, attempt: Attempt) -> None:
        """A create was recorded: its slot must have been free."""
        self.attempts[attempt.voice.id] = attempt
        quota = self.observer.registry.quota(attempt.voice.family)
        assert quota.used + quota.unseen <= quota.limit, "a slot beyond the limit"

    def reserve(self, who: int, number: int, trouble: Trouble = NONE) -> None:
        """A slot is held for a caller's own create."""
        asked = request(number)
        room = self._room(family_of(asked))
        process = self.process(who)
        with self._troubled(process, trouble), self._accepting(process.life):
            try:
                slot = process.registry.reserve(**asked)
            except QuotaExceeded:
                assert not room, "refused though it fits"
            else:
                self._begun(Attempt(slot.voice, slot, process))

    def own(self, *, open_only: bool = False) -> list[Attempt]:
        """Creates that callers carry out themselves."""
        return [
            attempt
            for attempt in self.attempts.values()
            if attempt.slot is not None and (attempt.is_open or not open_only)
        ]

    def carry_out(self, number: int) -> None:
        """A caller's own create comes to the provider, in time: a voice is made, if it fits."""
        waiting = [
            attempt
            for attempt in self.own()
            if attempt.requests == 0
            and attempt.voice.created_at + self.settle_after > self.clock.now()
            and (attempt.is_open or number % 2)
        ]
        if not waiting:
            return
        self.carry_out_one(waiting[number % len(waiting)])

    def carry_out_one(self, attempt: Attempt) -> None:
        """Somebody's own create comes to the provider."""
        attempt.requests += 1
        family = attempt.voice.family
        if len(self.sandbox.voices(family)) < self.limits[family]:
            voice = attempt.voice
            assert voice.target_model is not None
            made = self.sandbox.add_voice(
                family=voice.family,
                origin="designed",
                target_model=voice.target_model,
                name=voice.name,
                prompt=voice.prompt,
                preview_text=voice.preview_text,
                language=voice.language,
            )
            self._made(made.voice_id, voice.id)

    def confirm(self, number: int, trouble: Trouble = NONE) -> None:
        """A caller says what his create made, in time or late."""
        made = [attempt for attempt in self.own() if attempt.voice_id is not None]
        if not made:
            return
        self.confirm_one(made[number % len(made)], trouble)

    def confirm_one(self, attempt: Attempt, trouble: Trouble = NONE) -> None:
        """A caller says what this create made."""
        assert attempt.process is not None
        assert attempt.slot is not None
        assert attempt.voice_id is not None
        process = attempt.process
        with self._troubled(process, trouble), self._accepting(process.life):
            confirmed = attempt.slot.confirm(attempt.voice_id)
            assert confirmed.voice_id == attempt.voice_id
            attempt.is_open = False

    def end(self, number: int, trouble: Trouble = NONE) -> None:
        """A caller says that nothing was made, or leaves by an exception where he cannot know."""
        open_ones = self.own(open_only=True)
        if not open_ones:
            return
        attempt = open_ones[number % len(open_ones)]
        assert attempt.process is not None
        assert attempt.slot is not None
        process = attempt.process
        with self._troubled(process, trouble), self._accepting(process.life, StateConflict):
            if attempt.voice_id is None and (attempt.requests or number % 2):
                attempt.requests += 1  # it will not be sent
                attempt.slot.release()
            else:
                self.leave(attempt)
            attempt.is_open = False

    def leave(self, attempt: Attempt) -> None:
        """A caller leaves the block by an error of his own."""
        assert attempt.slot is not None
        attempt.slot.__exit__(ValueError, ValueError("the caller's own"), None)
        attempt.is_open = False

    def delete(self, who: int, number: int, trouble: Trouble = NONE) -> None:
        """A voice is deleted through the registry: one that is there, or any other."""
        known = self.records()
        held = [voice for voice in known if voice.state in DELETABLE]
        if number < 36 and held:
            known = held
        if not known:
            return
        voice = known[number % len(known)]
        process = self.process(who)
        with (
            self._creating(None),
            self._troubled(process, trouble),
            self._accepting(process.life),
        ):
            try:
                after = process.registry.delete(voice.id)
                assert after.state.is_gone
            except StateConflict as conflict:
                self.error = conflict
                if trouble.meanwhile is None:
                    assert voice.state in {State.CREATING, State.UNRESOLVED, State.FAILED}
            except VoiceProtected:
                assert voice.pinned
            except (ProviderRefused, NotConnected) as refusal:
                self.error = refusal
                if trouble.meanwhile is None:
                    now = process.registry.voice(voice.id).state
                    assert now is voice.state
            except DeleteUnconfirmed as unconfirmed:
                self.error = unconfirmed
                if trouble.meanwhile is None:
                    assert process.registry.voice(voice.id).state is State.DELETING

    def sync(
        self,
        who: int,
        *,
        family: Family | None = None,
        dry_run: bool = False,
        force: bool = False,
        trouble: Trouble = NONE,
    ) -> Sync | None:
        """The registry is compared with the provider."""
        before = self._everything() if dry_run else None
        sync: Sync | None = None
        process = self.process(who)
        with (
            self._creating(None),
            self._troubled(process, trouble),
            self._accepting(process.life),
        ):
            sync = process.registry.sync(family=family, dry_run=dry_run, force=force)
        if dry_run and trouble.meanwhile is None:
            assert self._everything() == before, "a dry run changed something"
            if sync is not None and trouble == NONE:
                really = self.process(who).registry.sync(family=family, force=force)
                assert _shape(really) == _shape(sync)
        return sync

    def _everything(self) -> list[object]:
        from voicereg.tables import metadata

        with self._engine.connect() as connection:
            return [
                sorted(map(repr, connection.execute(sa.select(table)).all()))
                for table in metadata.sorted_tables
            ]

    def add(self, number: int, origin: Origin, age: timedelta) -> None:
        """Somebody else makes a voice; often one like ours."""
        asked = request(number)
        family = family_of(asked)
        if len(self.sandbox.voices(family)) >= self.limits[family] + 3:
            return
        is_clone = origin is Origin.CLONED
        voice = self.sandbox.add_voice(
            family=family,
            origin=str(origin),
            target_model=asked["target_model"],
            name=asked["name"],
            prompt=None if is_clone else asked["prompt"],
            preview_text=None if is_clone else asked["preview_text"],
            language=None if is_clone else asked.get("language"),
            created_at=self.clock.now() - age,
        )
        self._made(voice.voice_id, None)
        self.blurred.add(visible(voice))
        self._look()

    def remove(self, number: int) -> None:
        """Somebody else deletes a voice, or the provider does."""
        self._look()
        there = self.at_provider
        if there:
            self.sandbox.remove_voice(there[number % len(there)].voice_id)
            self._look()

    def set_limit(self, number: int) -> None:
        """The provider allows more voices, or fewer."""
        family = list(Family)[number % 2]
        most = self.observer.registry.quota(family).limit
        self.limits[family] = max(0, most + (0, 1, -2)[number // 2 % 3])
        self.sandbox.set_limit(family, self.limits[family])

    def use(self, number: int, who: int = 0) -> None:
        """A use is recorded, and written at once."""
        known = [voice for voice in self.records() if voice.state is State.ACTIVE]
        if known:
            voice = known[number % len(known)]
            assert voice.voice_id is not None
            self.record_use(who, voice.voice_id)
            self.flush(who)

    def reference(self, number: int, kind: str) -> str:
        """What a use is said to be of: ``ours``, ``by id``, ``not yet ours``, ``nobody's``."""
        known = self.records()
        if kind == "by id" and known:
            return known[number % len(known)].id
        recorded = {voice.voice_id for voice in known}
        there = [voice.voice_id for voice in self.at_provider]
        if kind == "not yet ours":
            there = [voice_id for voice_id in there if voice_id not in recorded]
        elif kind == "ours":
            there = [voice.voice_id for voice in known if voice.voice_id is not None]
        if kind == "nobody's" or not there:
            return f"qwen-nobody-{number % 3}"
        return there[number % len(there)]

    def record_use(
        self,
        who: int,
        reference: str,
        ago: timedelta = timedelta(0),
        count: int = 1,
        source: str | None = None,
    ) -> None:
        """A process says that a voice was used; nothing is written yet."""
        process = self.process(who)
        at = self.clock.now() - ago
        process.registry.record_use(reference, at=at if ago else None, count=count, source=source)
        self._said(process, reference, at, count, source)

    def _said(
        self, process: Process, reference: str, at: datetime, count: int, source: str | None
    ) -> None:
        self._look()
        voice_id = next((one for one, id_ in self._holders.items() if id_ == reference), reference)
        remote = self.remotes.get(voice_id)
        is_true = remote is not None and remote.last_used_at is not None
        is_true = is_true and remote is not None and at <= (remote.last_used_at or at)
        process.pen.said.append(Said(reference, source or process.name, at, count, is_true))

    def _written(self, said: list[Said]) -> None:
        """A batch of uses has come to the database: nobody may forget them from now on."""
        self._follow_ids()
        with self._engine.connect() as connection:
            ids = set(connection.execute(sa.select(voices.c.id)).scalars())
        now = self.clock.now()
        for one in said:
            # By a clock that was ahead.
            assert one.at <= now + timedelta(minutes=5)
            counts = Counter({(one.at.astimezone(UTC).date(), one.source): one.count})
            if not one.is_true:
                self._untrue.add(one.at)
            holder = self._holders.get(one.reference)
            if holder is None and one.reference in ids:
                holder = one.reference
            kept, key = (
                (self.unclaimed, one.reference) if holder is None else (self.tallies, holder)
            )
            kept.setdefault(key, Tally()).add(Tally(counts, one.at))

    def flush(self, who: int, trouble: Trouble = NONE, away: Away | None = None) -> None:
        """A process writes what it has noted; the database may be away."""
        process = self.process(who)
        process.pen.away = away
        with self._troubled(process, trouble), self._accepting(process.life):
            try:
                process.registry.flush()
            except DatabaseProblem as problem:
                assert away is not None
                self.error = problem
            else:
                assert not process.pen.said
        process.pen.away = None

    def speak_elsewhere(self, number: int) -> str | None:
        """Somebody uses a voice, and the registry does not see it."""
        there = [voice for voice in self.at_provider if voice.status == "OK"]
        if not there:
            return None
        remote = there[number % len(there)]
        manner = _manner(remote.target_model)
        if manner is None:
            return None
        model = remote.target_model
        request = SpeechRequest(remote.voice_id, model, manner, _TEXT, "pcm", "pcm", 24000)
        self._elsewhere.speak(request, lambda piece: None)
        self._look()
        assert self.remotes[remote.voice_id].last_used_at == self.clock.now()
        return remote.voice_id

    def synthesize(
        self,
        who: int,
        number: int,
        trouble: Trouble = NONE,
        *,
        any_state: bool = False,
        source: str | None = None,
    ) -> None:
        """A voice speaks through the registry."""
        known = self.records()
        usable = [voice for voice in known if voice.state in _USABLE]
        if usable and not any_state:
            known = usable
        if not known:
            return
        voice = known[number % len(known)]
        process = self.process(who)
        self._look()
        remote = next((one for one in self.at_provider if one.voice_id == voice.voice_id), None)
        uses_before = 0 if remote is None else remote.uses
        noted_before = process.registry._recorder.pending
        spoke = False
        heard = io.BytesIO()
        with self._troubled(process, trouble), self._accepting(process.life):
            reference = voice.voice_id if number % 2 and voice.voice_id else voice.id
            try:
                said_by, spoken = process.registry.synthesize(
                    reference, _TEXT, heard, source=source
                )
                spoke = True
            except StateConflict as conflict:
                self.error = conflict
                assert voice.state not in _USABLE or trouble.meanwhile is not None
            except InvalidInput:
                assert voice.target_model is None or "realtime" in voice.target_model
            except VoiceGone as gone:
                self.error = gone
                now = process.registry.voice(voice.id)
                if trouble.meanwhile is None:
                    assert remote is None, "it is there"
                    assert now.state is State.MISSING or voice.state is not State.ACTIVE
            except ProviderProblem as problem:
                self.error = problem
                quiet = trouble == NONE and remote is not None and remote.status == "OK"
                assert not quiet, "nothing was in the way"
            if spoke:
                assert heard.getvalue()
                assert spoken.size_bytes
                assert said_by.voice_id is not None
                assert voice.state in _USABLE
                self._said(process, said_by.voice_id, self.clock.now(), 1, source)
                if trouble.meanwhile is None:
                    assert self.remotes[said_by.voice_id].uses == uses_before + 1
            if trouble.meanwhile is None:
                noted = process.registry._recorder.pending
                assert noted == noted_before + spoke, "a use that was none, or one not noted"
        self._look()

    def correct_use(self, who: int, number: int, ago: timedelta, trouble: Trouble = NONE) -> None:
        """The administrator says when a voice was last used."""
        known = self.records()
        if not known:
            return
        voice = known[number % len(known)]
        at = self.clock.now() - ago
        process = self.process(who)
        done = False
        with self._troubled(process, trouble), self._accepting(process.life):
            try:
                after = process.registry.correct_use(voice.id, at)
            except StateConflict:
                assert voice.voice_id is None
            else:
                assert after.last_used_at == at
                done = True
        if done:
            self._untrue.add(at)
            self.tallies.setdefault(voice.id, Tally()).last = at
            if voice.voice_id is not None:
                self._seen.last_used.pop(voice.voice_id, None)

    def adopt(self, who: int, voice: str, voice_id: str, trouble: Trouble) -> None:
        """The administrator says which voice a create made."""
        with self._troubled(self.process(who), trouble) as process, self._accepting(process.life):
            try:
                process.registry.adopt(voice, voice_id)
            except ProviderProblem as problem:
                self.error = problem

    def settle_by_hand(self, who: int, number: int) -> None:
        """The administrator settles a create, and knows the truth."""
        known = [voice for voice in self.records() if voice.state is State.UNRESOLVED]
        if not known:
            return
        voice = known[number % len(known)]
        attempt = self.attempts[voice.id]
        if any(late.attempt == voice.id for late in self.lates):
            return  # nobody can know that yet
        registry = self.process(who).registry
        if attempt.voice_id is None:
            attempt.requests += 1
            registry.release(voice.id)
            return
        try:
            registry.adopt(voice.id, attempt.voice_id)
        except VoiceGone:
            registry.release(voice.id)

    def advance(self, duration: timedelta) -> None:
        """Time passes; what was to come comes in time."""
        for process in self._processes.values():
            if duration >= _SOON and process.pen.is_in_doubt:
                process.registry.flush()  # it tries again every few seconds
        target = self.clock.now() + duration
        while due := [late for late in self.lates if late.at_last <= target]:
            first = min(due, key=lambda late: late.at_last)
            self.clock.moment = max(self.clock.moment, first.at_last)
            self.arrive(self.lates.index(first))
        self.clock.moment = max(self.clock.moment, target)
        self._look()

    # --- what must hold -------------------------------------------------------------------

    def records(self) -> list[Voice]:
        """All voices on record, in the order in which they were recorded."""
        found = {voice.id: voice for voice in self.observer.registry.voices(with_gone=True)}
        with self._engine.connect() as connection:
            in_order = connection.execute(
                sa.select(events.c.voice)
                .where(events.c.action.in_(_BEGINNINGS))
                .order_by(events.c.id)
            ).scalars()
            return [found[voice] for voice in in_order]

    def record(self, attempt: Attempt) -> Voice:
        """The record of a create as it is now."""
        return self.observer.registry.voice(attempt.voice.id)

    def check(self) -> None:
        """What holds after every step."""
        for failure in self._failures:
            raise failure
        self._look()
        recorded = {voice.id: voice for voice in self.observer.registry.voices(with_gone=True)}
        self.check_uses()
        assert {id_: voice.state for id_, voice in recorded.items()} == self._seen.states
        for voice in recorded.values():
            self._check_record(voice)
        for id_, state in self._seen.went:
            self._check_end(recorded[id_], state)
        self._seen.went.clear()
        for family in Family:
            held = sum(
                voice.state.holds_slot for voice in recorded.values() if voice.family is family
            )
            assert self.observer.registry.quota(family).used == held
        self._seen.last_used |= {
            voice.voice_id: voice.last_used_at
            for voice in recorded.values()
            if voice.voice_id is not None and voice.last_used_at is not None
        }

    def _follow_ids(self) -> None:
        """Read on in the log: which record has which voice, and its uses with it."""
        seen = self._seen
        with self._engine.connect() as connection:
            new = connection.execute(
                sa.select(events).where(events.c.id > seen.last_event).order_by(events.c.id)
            ).all()
        for event in new:
            seen.last_event = event.id
            if event.voice is not None and "voice_id" in (event.after or {}):
                self._moved(
                    event.voice, (event.before or {}).get("voice_id"), event.after["voice_id"]
                )
            if event.voice is None or "state" not in (event.after or {}):
                continue
            state = State(event.after["state"])
            if event.action in _BEGINNINGS:
                assert event.voice not in seen.states
            else:
                before = seen.states[event.voice]
                assert State(event.before["state"]) is before, "the log has a gap"
                assert state in FOLLOWS[before] or event.action == "voice.give-up-id"
            seen.states[event.voice] = state
            if state is State.MISSING:
                seen.missing_at[event.voice] = event.at
            if state in {State.EXPIRED, State.LOST}:
                seen.went.append((event.voice, state))

    def _moved(self, record: str, before: str | None, after: str | None) -> None:
        """A record has another id of the provider's: uses go with the voice."""
        if before is not None:
            assert self._holders.pop(before) == record
            left = self.tallies.pop(record, Tally())
            if left.counts:
                self.unclaimed[before] = left
            else:
                # A last use that was only said by hand is of this record alone.
                self._seen.last_used.pop(before, None)
        if after is not None:
            assert after not in self._holders
            self._holders[after] = record
            if after in self.unclaimed:
                self.tallies.setdefault(record, Tally()).add(self.unclaimed.pop(after))

    def check_uses(self) -> None:
        """Everything that was written is counted, once, and for the right voice."""
        self._follow_ids()
        counted: dict[str, Counter[tuple[date, str]]] = {}
        kept: dict[str, Counter[tuple[date, str]]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(sa.select(voice_uses)):
                counted.setdefault(row.voice, Counter())[row.day, row.source] = row.uses
            for row in connection.execute(sa.select(unclaimed_uses)):
                kept.setdefault(row.voice_id, Counter())[row.day, row.source] = row.uses
        assert counted == {id_: one.counts for id_, one in self.tallies.items() if one.counts}
        assert kept == {id_: one.counts for id_, one in self.unclaimed.items() if one.counts}
        for voice in self.observer.registry.voices(with_gone=True):
            tally = self.tallies.get(voice.id, Tally())
            if voice.state is State.FAILED and voice.id not in self.tallies:
                continue  # what is left of a record that gave way
            assert voice.last_used_at == tally.last
            assert (voice.deadline_basis is DeadlineBasis.USED) == (tally.last is not None)

    def _check_end(self, voice: Voice, state: State) -> None:
        """Expired is what went when it was due, and lost what went before."""
        if self.lied or voice.voice_id is None or voice.state is not state:
            return
        gone_at = self.gone[voice.voice_id]
        if state is State.LOST:
            assert gone_at < voice.deadline_at, "lost, though it was due"
        else:
            assert self._seen.missing_at[voice.id] >= voice.deadline_at, "expired before its time"

    def _check_deadline(self, voice: Voice) -> None:
        """The provider deletes no voice before the registry has said that it might."""
        remote = self.remotes.get(voice.voice_id or "")
        if self.lied or remote is None or voice.state.is_gone:
            return
        due = remote.last_active_at + INACTIVITY_LIMIT
        is_claimed = voice.last_used_at in self._untrue
        is_ours = self.maker[remote.voice_id] in {None, voice.id}
        if is_ours and visible(remote) not in self.blurred and not is_claimed:
            assert voice.deadline_at <= due, "it may go before its deadline"

    def _check_record(self, voice: Voice) -> None:
        if voice.voice_id is not None:
            used_before = self._seen.last_used.get(voice.voice_id)
            assert used_before is None or (voice.last_used_at or used_before) >= used_before
            assert used_before is None or voice.last_used_at is not None
        assert voice.deadline_at == voice.last_activity_at + INACTIVITY_LIMIT
        self._check_deadline(voice)
        assert (voice.gone_at is not None) == voice.state.is_gone
        assert voice.prompt or voice.origin is Origin.CLONED
        if voice.voice_id is None:
            return
        assert voice.voice_id in self.maker, "an id that nobody made"
        if not self.lied and voice.voice_id in self.deleted:
            assert voice.state not in {State.LOST, State.EXPIRED}, "a delete taken for a loss"
        maker = self.maker[voice.voice_id]
        attempt = self.attempts.get(voice.id)
        if maker is None or maker == voice.id or self.lied:
            return
        ours = self.attempts[maker]
        if visible(ours.voice) in self.blurred:
            return
        assert attempt is not None, f"{voice.voice_id} was made by {maker}, and is imported"
        assert attempt.given == ours.given, f"{voice.voice_id} was made by {maker}"

    def settle_everything(self) -> None:
        """All trouble ends, all that was under way ends, and the registry is synced."""
        while self.lates:
            self.arrive(0)
        self.advance(self.settle_after + self.longest_delete)
        registry = self.process(0).registry
        for process in self._processes.values():
            process.registry.flush()
        for attempt in self.attempts.values():
            attempt.is_open = False  # whoever was at work on it is gone for good
        last = self._quiet_syncs(registry)
        self.check()
        left = [voice for voice in self.records() if voice.state is State.UNRESOLVED]
        for voice in left:
            self._check_doubtful(voice, left, last)
        if left:
            self._check_slots_in_doubt()
        for voice in left:
            attempt = self.attempts[voice.id]
            now = registry.voice(voice.id)
            if now.state is not State.UNRESOLVED and now.voice_id == attempt.voice_id:
                continue
            there = {one.voice_id for one in self.at_provider}
            if attempt.voice_id in there:
                registry.adopt(voice.id, attempt.voice_id)
            elif now.state is State.UNRESOLVED:
                registry.release(voice.id)
        if left:
            last = self._quiet_syncs(registry)
            self.check()
        self.check_agreement()
        if last.changes:
            assert registry.sync().changes == ()

    def _quiet_syncs(self, registry: Registry) -> Sync:
        """Sync until there is nothing more to prove; return the last one."""
        sync = registry.sync()
        in_doubt = [voice for voice in registry.voices() if voice.state not in _OF_STATUS]
        if sync.changes or in_doubt or not sync.complete:
            sync = registry.sync()
        for _ in range(3):  # where absences have to be proved, it takes a day
            if sync.complete:
                return sync
            self.advance(timedelta(hours=13))
            sync = registry.sync()
        if not sync.complete:
            assert sync.held_back, sync.problems
            for _ in range(2):
                sync = registry.sync(force=True)
            assert sync.complete, sync.problems
        return sync

    def _check_doubtful(self, voice: Voice, left: list[Voice], sync: Sync) -> None:
        """What is left is told, and cannot be told apart by anybody."""
        # Where there are very many, some are only counted.
        told = [problem for problem in sync.problems if voice.id in problem or "more" in problem]
        assert told, "nobody is told"
        recorded = {record.voice_id for record in self.records()}
        alike = [other for other in left if visible(other) == visible(voice)]
        unknown = [
            remote
            for remote in self.at_provider
            if visible(remote) == visible(voice) and remote.voice_id not in recorded
        ]
        assert unknown, "nothing can have been made by it"
        labels = {self.attempts[other.id].given for other in alike}
        spread = {record.created_at for record in alike}
        assert (
            len(unknown) > len(alike)
            or len(labels) > 1
            or max(spread) - min(spread) > timedelta(minutes=5)
        ), "nothing had to be guessed"

    def _check_slots_in_doubt(self) -> None:
        """No voice goes uncounted while it is in doubt."""
        for family in Family:
            quota = self.observer.registry.quota(family)
            assert quota.used + quota.unseen >= len(self.sandbox.voices(family))

    def check_agreement(self) -> None:
        """The registry and the provider hold exactly the same."""
        there = {voice.voice_id: voice for voice in self.at_provider}
        here = {voice.voice_id: voice for voice in self.records() if voice.state.holds_slot}
        assert here.keys() == there.keys()
        for voice_id, remote in there.items():
            record = here[voice_id]
            assert (str(record.family), str(record.origin)) == (remote.family, remote.origin)
            assert record.target_model == remote.target_model
            assert record.state is _STATE_OF[remote.status]
            assert (record.prompt, record.preview_text) == (remote.prompt, remote.preview_text)
        for family in Family:
            quota = self.observer.registry.quota(family)
            assert quota.used == len(self.sandbox.voices(family))
            assert (quota.creating, quota.unresolved) == (0, 0)


def _manner(target_model: str) -> Manner | None:
    """How a model is spoken to; None: it is one for dialogues."""
    if target_model.startswith("qwen3"):
        return Manner.REALTIME if "realtime" in target_model else Manner.LINK
    return None if "realtime" in target_model else Manner.INFERENCE


def _shape(sync: Sync) -> list[tuple[object, ...]]:
    return sorted(
        (str(change.kind), str(change.voice_id), str(change.before), str(change.after))
        for change in sync.changes
    )


_VARIANTS: tuple[dict[str, Any], ...] = (
    {"name": "ann"},
    {"name": "ann", "tags": {"team": "news"}},
    {"name": "bob"},
    {"name": "ann", "language": "en"},
)
_PROMPTS = ("A calm voice for the news.", "A merry voice for tales.")


def request(number: int) -> dict[str, Any]:
    """One of a few designs: most are alike in what the provider shows of them."""
    family = list(Family)[number % 2]
    rest = number // 2
    variant = _VARIANTS[(0, 0, 1, 0, 2, 3)[rest % 6]]
    return {
        "target_model": {
            Family.COSYVOICE: "cosyvoice-v3.5-plus",
            Family.QWEN_TTS: "qwen3-tts-vd-2026-01-26",
        }[family],
        "prompt": _PROMPTS[rest // 6 % 2],
        "preview_text": "Good evening.",
        **variant,
    }


def family_of(asked: dict[str, Any]) -> Family:
    return Family.COSYVOICE if asked["target_model"].startswith("cosy") else Family.QWEN_TTS
