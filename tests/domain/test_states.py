"""The states of a voice and the ways between them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicereg import State
from voicereg.domain.states import FOLLOWS, GONE, HOLDING, WITHOUT_VOICE_ID

HOLD_A_SLOT = ["creating", "unresolved", "pending", "active", "rejected", "deleting", "missing"]
DO_NOT = ["failed", "deleted", "expired", "lost"]
MADE = frozenset({State.PENDING, State.ACTIVE, State.REJECTED})
AT_THE_PROVIDER = MADE | {State.MISSING, State.DELETING}


def reachable(start: State) -> frozenset[State]:
    """Every state that some way from ``start`` leads to, itself only if a way leads back."""
    found: set[State] = set()
    to_see = [start]
    while to_see:
        new = FOLLOWS[to_see.pop()] - found
        found |= new
        to_see += new
    return frozenset(found)


@st.composite
def lives(draw: st.DrawFn) -> list[State]:
    """The states that one voice may go through, from its first."""
    life = [draw(st.sampled_from([State.CREATING, State.ACTIVE, State.PENDING]))]
    for _ in range(draw(st.integers(0, 12))):
        life.append(draw(st.sampled_from(sorted(FOLLOWS[life[-1]]))))
    return life


def test_the_states_are_those_of_the_design() -> None:
    assert [state.value for state in State] == HOLD_A_SLOT + DO_NOT


@pytest.mark.parametrize("name", HOLD_A_SLOT)
def test_a_state_that_holds_a_slot(name: str) -> None:
    state = State(name)
    assert state.holds_slot
    assert not state.is_gone
    assert state in HOLDING
    assert state not in GONE


@pytest.mark.parametrize("name", DO_NOT)
def test_a_gone_state_holds_no_slot(name: str) -> None:
    state = State(name)
    assert not state.holds_slot
    assert state.is_gone
    assert state not in HOLDING
    assert state in GONE


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_its_followers(state: State) -> None:
    assert FOLLOWS[state]
    assert FOLLOWS[state] <= set(State)


@pytest.mark.parametrize("state", sorted(GONE))
def test_a_gone_voice_comes_back_only_as_one_that_was_made(state: State) -> None:
    assert FOLLOWS[state] == MADE


@pytest.mark.parametrize("state", list(State))
def test_the_providers_word_that_a_voice_is_there_always_wins(state: State) -> None:
    assert FOLLOWS[state] >= MADE - {state}


@pytest.mark.parametrize("state", list(State))
def test_no_voice_is_created_twice(state: State) -> None:
    assert State.CREATING not in FOLLOWS[state]


def test_every_state_can_come_of_a_create() -> None:
    assert reachable(State.CREATING) == frozenset(State) - {State.CREATING}


@pytest.mark.parametrize("state", sorted(AT_THE_PROVIDER))
def test_a_voice_with_an_id_never_loses_it(state: State) -> None:
    assert not reachable(state) & WITHOUT_VOICE_ID


def test_only_a_create_without_an_end_has_no_id() -> None:
    assert frozenset({State.CREATING, State.UNRESOLVED, State.FAILED}) == WITHOUT_VOICE_ID


@pytest.mark.parametrize(
    ("state", "sources"),
    [
        (State.UNRESOLVED, {State.CREATING}),
        (State.FAILED, {State.CREATING, State.UNRESOLVED}),
        (State.MISSING, AT_THE_PROVIDER),
        (State.DELETING, AT_THE_PROVIDER),
        (State.DELETED, AT_THE_PROVIDER),
        # Given up only after it was missing from one listing, and from another.
        (State.EXPIRED, {State.MISSING}),
        (State.LOST, {State.MISSING}),
    ],
)
def test_where_a_state_can_come_from(state: State, sources: set[State]) -> None:
    # A voice may go from a state to the same one; whether the table says so is of no account.
    assert {known for known in State if state in FOLLOWS[known]} | {state} == sources | {state}


@settings(deadline=None)
@given(lives())
def test_between_two_gone_states_a_voice_was_made(life: list[State]) -> None:
    for before, after in pairwise(life):
        if before.is_gone:
            assert after in MADE


@settings(deadline=None)
@given(lives())
def test_an_unknown_outcome_is_known_for_good(life: list[State]) -> None:
    settled = [place for place, state in enumerate(life) if state in AT_THE_PROVIDER | GONE]
    if settled:
        assert not {State.CREATING, State.UNRESOLVED} & set(life[settled[0] :])
