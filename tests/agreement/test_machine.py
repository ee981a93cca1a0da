"""Random histories: whatever goes wrong, in the end the registry and the provider agree."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.agreement.conftest import NewUrl
from tests.agreement.mortal import Away, Loss
from tests.agreement.world import NONE, Trouble, World
from voicereg import CreateSettings, Origin
from voicereg.sandbox.faults import FaultKind

DESIGNS = st.sampled_from([0, 0, 0, 1, 1, 4, 5, 8, 9, 10, 11, 12])
"""Most are alike, or alike but for what the provider does not show."""
PICKS = st.integers(0, 40)
LOSSES = st.sampled_from([Loss.BEFORE, Loss.AFTER, Loss.LATE])
WHO = st.integers(0, 1)
INSTANTS = st.integers(0, 24)
DURATIONS = st.sampled_from(
    [
        timedelta(seconds=30),
        timedelta(minutes=3),
        timedelta(minutes=3),
        timedelta(minutes=8),
        timedelta(minutes=16),
        timedelta(hours=1),
        timedelta(hours=8),
        timedelta(days=2),
        timedelta(days=2),
        timedelta(days=100),
        timedelta(days=200),
        timedelta(days=364),
        timedelta(days=370),
    ]
)
AGES = st.sampled_from(
    [
        timedelta(0),
        timedelta(minutes=-3),
        timedelta(minutes=7),
        timedelta(hours=9),
        timedelta(days=1),
        timedelta(days=90),
        timedelta(days=400),
    ]
)
"""How long ago something was used; the first of them by a clock that is ahead."""
SOURCES = st.sampled_from([None, None, "news", "tales"])
_FOR_LISTS = {FaultKind.FIRST_PAGE, FaultKind.WRONG_TOTAL}
_UNTRUE = {FaultKind.EMPTY_PAGE, FaultKind.QUOTA_FULL}


def _faults(action: str) -> list[str]:
    """What can go wrong; a real time-out takes real time, and ``Loss`` stands for it."""
    left_out = _UNTRUE | {FaultKind.TIMEOUT} | (_FOR_LISTS if action != "list" else set())
    return ["offline", *(str(kind) for kind in FaultKind if kind not in left_out)]


def _troubles(action: str) -> st.SearchStrategy[Trouble]:
    meanwhile = [
        *("design", "reserve", "delete", "sync", "add", "remove", "confirm", "wait"),
        "use",
        # A create that comes to the provider a year late is taken for somebody else's.
        *(["leap"] if action != "create" else []),
    ]
    faults = st.builds(
        Trouble,
        fault=st.sampled_from(_faults(action)),
        on=st.just(action),
        after=st.booleans(),
        times=st.sampled_from([1, 2, None]),
        skip=st.integers(0, 2),
    )
    losses = st.builds(
        Trouble,
        loss=LOSSES,
        on=st.just(action),
        times=st.sampled_from([1, 4]),
    )
    kills = st.builds(Trouble, ends_in=INSTANTS)
    others = st.builds(
        Trouble,
        on=st.just(action),
        skip=st.integers(0, 2) if action == "list" else st.just(0),
        meanwhile=st.tuples(st.sampled_from(meanwhile), DESIGNS),
        meanwhile_after=st.booleans(),
    )
    return st.one_of(st.just(NONE), losses, kills, others, faults)


_LISTS, _CREATES, _DELETES = map(_troubles, ("list", "create", "delete"))
_SPEECHES = _troubles("synthesize")
_NONE_SENT = st.one_of(st.just(NONE), st.builds(Trouble, ends_in=INSTANTS))


class History(RuleBasedStateMachine):
    """What may happen, in any order."""

    make_url: NewUrl
    crowds: tuple[int, ...] = (0, 0, 0, 24)

    def __init__(self) -> None:
        super().__init__()
        self.world: World | None = None

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.world = World(
            type(self).make_url(),
            limit=data.draw(st.sampled_from([6, 3])),
            crowd=data.draw(st.sampled_from(self.crowds)),
            page_cap=data.draw(st.sampled_from([None, 2])),
            utc_offset=timedelta(hours=data.draw(st.sampled_from([8, 0]))),
            review_time=data.draw(st.sampled_from([timedelta(0), timedelta(minutes=10)])),
            create=CreateSettings(
                mark_names=data.draw(st.sampled_from([False, False, False, True]))
            ),
        )

    @property
    def here(self) -> World:
        assert self.world is not None
        return self.world

    def teardown(self) -> None:
        if self.world is None:
            return
        try:
            self.world.settle_everything()
        finally:
            self.world.close()

    @rule(who=WHO, number=DESIGNS, trouble=_CREATES)
    def design(self, who: int, number: int, trouble: Trouble) -> None:
        self.here.design(who, number, trouble)

    @rule(who=WHO, number=DESIGNS, loss=LOSSES)
    def design_and_hear_nothing(self, who: int, number: int, loss: Loss) -> None:
        self.here.design(who, number, Trouble(on="create", loss=loss))

    @rule(who=WHO, number=DESIGNS, instants=st.integers(9, 16))
    def design_and_die(self, who: int, number: int, instants: int) -> None:
        """While the provider has it, or soon before or after."""
        self.here.design(who, number, Trouble(ends_in=instants))

    @rule(who=WHO, number=DESIGNS, trouble=_NONE_SENT)
    def reserve(self, who: int, number: int, trouble: Trouble) -> None:
        self.here.reserve(who, number, trouble)

    @rule(what=st.sampled_from(["carry out", "confirm", "end"]), number=PICKS, trouble=_NONE_SENT)
    def go_on_with_own_create(self, what: str, number: int, trouble: Trouble) -> None:
        if what == "carry out":
            self.here.carry_out(number)
        elif what == "confirm":
            self.here.confirm(number, trouble)
        else:
            self.here.end(number, trouble)

    @rule(who=WHO, number=PICKS, trouble=_DELETES)
    def delete(self, who: int, number: int, trouble: Trouble) -> None:
        self.here.delete(who, number, trouble)

    @rule(who=WHO, number=PICKS, loss=LOSSES)
    def delete_and_hear_nothing(self, who: int, number: int, loss: Loss) -> None:
        self.here.delete(who, number, Trouble(on="delete", loss=loss, times=4))

    @rule(who=WHO, trouble=_LISTS, force=st.sampled_from([False, False, False, True]))
    def sync(self, who: int, trouble: Trouble, force: bool) -> None:
        self.here.sync(who, force=force, trouble=trouble)

    @rule(who=WHO)
    def sync_in_peace(self, who: int) -> None:
        self.here.sync(who)

    @rule(who=WHO, number=PICKS, by_hand=st.booleans())
    def look_and_settle(self, who: int, number: int, by_hand: bool) -> None:
        if by_hand:
            self.here.settle_by_hand(who, number)
        else:
            self.here.sync(who, dry_run=True)

    @rule(
        what=st.sampled_from(["add", "remove", "limit", "speak", "speak"]),
        number=DESIGNS | PICKS,
        origin=st.sampled_from([Origin.DESIGNED, Origin.DESIGNED, Origin.CLONED]),
        age=st.sampled_from([timedelta(0), timedelta(hours=8), timedelta(days=300)]),
    )
    def elsewhere(self, what: str, number: int, origin: Origin, age: timedelta) -> None:
        """What others do."""
        if what == "add":
            self.here.add(number, origin, age)
        elif what == "remove":
            self.here.remove(number)
        elif what == "limit":
            self.here.set_limit(number)
        else:
            self.here.speak_elsewhere(number)

    @rule(who=WHO, number=PICKS, trouble=_SPEECHES, source=SOURCES)
    def synthesize(self, who: int, number: int, trouble: Trouble, source: str | None) -> None:
        self.here.synthesize(who, number, trouble, any_state=number > 36, source=source)

    @rule(who=WHO, number=PICKS, write=st.booleans())
    def synthesize_in_peace(self, who: int, number: int, write: bool) -> None:
        self.here.synthesize(who, number)
        if write:
            self.here.flush(who)

    @rule(
        who=WHO,
        number=PICKS,
        kind=st.sampled_from(["ours", "ours", "by id", "not yet ours", "nobody's"]),
        ago=AGES,
        count=st.sampled_from([1, 1, 3, 1000]),
        source=SOURCES,
        write=st.booleans(),
    )
    def record_use(
        self,
        who: int,
        number: int,
        kind: str,
        ago: timedelta,
        count: int,
        source: str | None,
        write: bool,
    ) -> None:
        """Something says that a voice was used, whether or not it was."""
        self.here.record_use(who, self.here.reference(number, kind), ago, count, source)
        if write:
            self.here.flush(who)

    @rule(who=WHO, number=PICKS)
    def use_beside_the_registry(self, who: int, number: int) -> None:
        """A service calls the provider itself, and tells the registry."""
        voice_id = self.here.speak_elsewhere(number)
        if voice_id is not None:
            self.here.record_use(who, voice_id)

    @rule(who=WHO, trouble=_NONE_SENT, away=st.sampled_from([None, None, *Away]))
    def flush(self, who: int, trouble: Trouble, away: Away | None) -> None:
        self.here.flush(who, trouble, away)

    @rule(who=WHO, number=PICKS, ago=AGES, trouble=_NONE_SENT)
    def correct_use(self, who: int, number: int, ago: timedelta, trouble: Trouble) -> None:
        self.here.correct_use(who, number, ago, trouble)

    @rule(duration=DURATIONS, number=PICKS)
    def time_passes(self, duration: timedelta, number: int) -> None:
        if self.here.lates and number % 2:
            self.here.arrive(number)
        else:
            self.here.advance(duration)

    @invariant()
    def all_is_explained(self) -> None:
        if self.world is not None:
            self.world.check()


def run(url: NewUrl, *, examples: int, steps: int, derandomize: bool = True) -> None:
    machine = cast(
        "type[History]", type("HistoryHere", (History,), {"make_url": staticmethod(url)})
    )
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            derandomize=derandomize,
            # To shrink is for the search by hand: here the steps are printed as they were.
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(600)
def test_random_histories(new_url: NewUrl, backend: str) -> None:
    if backend == "sqlite":
        run(new_url, examples=3, steps=40)
    else:
        run(new_url, examples=1, steps=30)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_random_histories(new_url: NewUrl, backend: str) -> None:
    run(new_url, examples=1000 if backend == "sqlite" else 200, steps=60, derandomize=False)
