"""Random lives of many voices against a simple model of what always holds."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.databases import PostgresServer, SqliteTemplate
from tests.fakes import FakeClock
from tests.registry.support import QWEN, FakeProvider, set_limits
from voicereg import (
    CreateUnresolved,
    DeleteUnconfirmed,
    Family,
    NotConnected,
    ProviderProblem,
    QuotaExceeded,
    Registry,
    Slot,
    State,
    StateConflict,
    Voice,
)
from voicereg.domain.provider_errors import ConnectionLost
from voicereg.domain.states import FOLLOWS

FAMILY = Family.QWEN_TTS


class Life(RuleBasedStateMachine):
    """What a caller may do with voices, in any order; the model is a state for each voice."""

    make_url: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.url = type(self).make_url()
        self.clock = FakeClock()
        self.answer: bool | ProviderProblem = True
        self.opened = ExitStack()
        self.registry = self.opened.enter_context(
            Registry.open(
                self.url,
                actor="model",
                clock=self.clock,
                sleep=self.clock.sleep,
                environment={"DASHSCOPE_API_KEY": "test-key"},
                client_factory=FakeProvider(delete=self.delete_there).factory(),
            )
        )
        self.limit = 3
        set_limits(self.registry, {FAMILY: self.limit})
        self.slots: dict[str, Slot] = {}
        self.states: dict[str, State] = {}
        self.made = 0

    def teardown(self) -> None:
        self.opened.close()

    def delete_there(self, voice_id: str) -> bool:
        if isinstance(self.answer, ProviderProblem):
            raise self.answer
        return self.answer

    def held(self) -> int:
        return sum(state.holds_slot for state in self.states.values())

    def pick(self, number: int, *states: State) -> str:
        fitting = [voice for voice, state in self.states.items() if state in states]
        return fitting[number % len(fitting)]

    def has(self, *states: State) -> bool:
        return any(state in states for state in self.states.values())

    @rule()
    def reserve(self) -> None:
        if self.held() >= self.limit:
            with pytest.raises(QuotaExceeded) as exceeded:
                self.registry.reserve(**QWEN)
            assert (exceeded.value.used, exceeded.value.limit) == (self.held(), self.limit)
            return
        slot = self.registry.reserve(**QWEN)
        assert slot.voice.id not in self.slots
        self.slots[slot.voice.id] = slot
        self.states[slot.voice.id] = State.CREATING

    @precondition(lambda self: self.has(State.CREATING, State.UNRESOLVED, State.FAILED))
    @rule(number=st.integers(0, 20))
    def confirm(self, number: int) -> None:
        """In time or late: it always wins, over the limit as well."""
        voice = self.pick(number, State.CREATING, State.UNRESOLVED, State.FAILED)
        self.made += 1
        assert self.slots[voice].confirm(f"qwen-{self.made}").state is State.ACTIVE
        self.states[voice] = State.ACTIVE

    @precondition(lambda self: self.slots)
    @rule(number=st.integers(0, 20))
    def release(self, number: int) -> None:
        voice = self.pick(number, *State)
        if self.states[voice] in {State.CREATING, State.UNRESOLVED, State.FAILED}:
            assert self.slots[voice].release().state is State.FAILED
            self.states[voice] = State.FAILED
            return
        with pytest.raises(StateConflict):
            self.slots[voice].release()

    @precondition(lambda self: self.has(State.CREATING))
    @rule(number=st.integers(0, 20), by_error=st.booleans())
    def leave(self, number: int, by_error: bool) -> None:
        voice = self.pick(number, State.CREATING)
        error = ValueError("ours") if by_error else None
        if error is not None:
            self.slots[voice].__exit__(ValueError, error, None)  # it does not swallow the error
        else:
            with pytest.raises(CreateUnresolved):
                self.slots[voice].__exit__(None, None, None)
        self.states[voice] = State.UNRESOLVED

    @precondition(lambda self: self.slots)
    @rule(number=st.integers(0, 20), answer=st.sampled_from(["there", "gone", "lost", "refused"]))
    def delete(self, number: int, answer: str) -> None:
        voice = self.pick(number, *State)
        outcome: dict[str, bool | ProviderProblem] = {
            "there": True,
            "gone": False,
            "lost": ConnectionLost("host", "cut"),
            "refused": NotConnected("host", "no route"),
        }
        self.answer = outcome[answer]
        before = self.states[voice]
        if before in {State.CREATING, State.UNRESOLVED, State.FAILED}:
            with pytest.raises(StateConflict):
                self.registry.delete(voice)
        elif before is State.DELETED or answer in {"there", "gone"}:
            assert self.registry.delete(voice).state is State.DELETED
            self.states[voice] = State.DELETED
        elif answer == "lost":
            with pytest.raises(DeleteUnconfirmed):
                self.registry.delete(voice)
            self.states[voice] = State.DELETING
        else:
            with pytest.raises(NotConnected):
                self.registry.delete(voice)

    @precondition(lambda self: self.slots)
    @rule(number=st.integers(0, 20), tags=st.dictionaries(st.sampled_from("abc"), st.text("xy=")))
    def edit(self, number: int, tags: dict[str, str]) -> None:
        (edited,) = self.registry.edit(self.pick(number, *State), tags=tags, pin=False)
        assert tags.items() <= edited.tags.items()

    @rule(limit=st.integers(0, 6))
    def change_limit(self, limit: int) -> None:
        """Lowered below what is held, it takes nothing away."""
        set_limits(self.registry, {FAMILY: limit})
        self.limit = limit

    @invariant()
    def the_count_is_the_models(self) -> None:
        quota = self.registry.quota(FAMILY)
        assert quota.used == self.held()
        assert quota.limit == self.limit
        assert quota.remaining == max(0, self.limit - self.held())
        assert self.registry.quota(Family.COSYVOICE).used == 0

    @invariant()
    def every_voice_ever_made_is_recorded(self) -> None:
        recorded = self.registry.voices(with_gone=True)
        assert {voice.id: voice.state for voice in recorded} == self.states
        for voice in recorded:
            self.is_consistent(voice)

    def is_consistent(self, voice: Voice) -> None:
        creating, deleting = voice.state is State.CREATING, voice.state is State.DELETING
        assert (voice.gone_at is not None) == voice.state.is_gone
        assert (voice.lease_holder is not None) == creating
        if voice.state is not State.UNRESOLVED:  # which keeps it, where it was left with one
            assert (voice.lease_expires_at is not None) == creating
        assert (voice.delete_asked_at is not None) == deleting
        assert (voice.state_before_delete is not None) == deleting
        assert voice.voice_id is not None or voice.state in {
            State.CREATING,
            State.UNRESOLVED,
            State.FAILED,
        }

    @invariant()
    def states_move_only_as_they_may(self) -> None:
        """By the audit log, which must tell the whole way of each voice to where it is."""
        at: dict[str, State] = {}
        for event in reversed(self.registry.events()):
            if event.voice is None or "state" not in event.after:
                continue
            new = State(event.after["state"])
            if event.action == "voice.create":
                assert event.voice not in at
            else:
                old = at[event.voice]
                assert State(event.before["state"]) is old
                assert new in FOLLOWS[old]
            at[event.voice] = new
        assert at == self.states


def run(url: Callable[[], str], examples: int, steps: int) -> None:
    machine = cast(
        "type[Life]", type("LifeOnThisDatabase", (Life,), {"make_url": staticmethod(url)})
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=True,
            # On a real database shrinking would outlast the time-out; the steps are printed.
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


MANY = pytest.param(100, marks=[pytest.mark.soak, pytest.mark.timeout(900)])


@pytest.mark.parametrize("examples", [15, MANY])
def test_random_lives_on_sqlite(
    sqlite_template: SqliteTemplate, tmp_path: Path, examples: int
) -> None:
    numbers = iter(range(10_000))
    run(lambda: sqlite_template.copy_to(tmp_path / f"{next(numbers)}.db"), examples, steps=25)


@pytest.mark.parametrize("examples", [4, MANY])
def test_random_lives_on_postgresql(postgresql: PostgresServer, examples: int) -> None:
    url = postgresql.lending.lend()

    def emptied() -> str:
        postgresql.lending.empty(url)
        return url

    run(emptied, examples, steps=20)
    postgresql.lending.take_back(url)
