"""Each step of a round stands on its own feet, and is seen to have gone well or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.housekeeping import support
from tests.housekeeping.support import (
    MAIL,
    OTHER_KEY,
    House,
    all_clear,
    failed_steps,
    keep_house,
    step,
    warning,
)
from tests.registry.rows import COSYVOICE, QWEN, begun, insert_voice, insert_voices, update_voice
from tests.registry.support import add_account
from tests.registry.syncs.support import ONE_DATABASE, unresolved
from tests.schema import frozen
from voicereg import AccountNotFound, CreateSettings, Registry, State
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.errors import DatabaseUnusable
from voicereg.registry.keep_alives import KeepAlives
from voicereg.registry.rounds import Rounds
from voicereg.registry.warnings import Warnings
from voicereg.sandbox import Sandbox
from voicereg.settings import PruneSettings, Retiring
from voicereg.store import pruning
from voicereg.tables import events, messages, rounds, step_states, voice_uses, voices

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STUDIO = "studio"
sandbox = support.sandbox
house = support.house


@pytest.fixture
def studios_sandbox(house: House) -> Iterator[Sandbox]:
    """Another account at the provider, with voices and a key of its own."""
    with Sandbox.start(
        review_time=timedelta(0), clock=house.clock.now, api_keys=["studio-key"]
    ) as sandbox:
        yield sandbox


def _with_studio(house: House, at: Sandbox, *, key: str | None = "studio-key") -> Registry:
    """A registry with two accounts."""
    environment = {DEFAULT_KEY_VARIABLE: house.sandbox.api_key}
    if key is not None:
        environment[OTHER_KEY] = key
    registry = house.open(environment=environment)
    if STUDIO not in {account.name for account in registry.accounts.all()}:
        add_account(registry, STUDIO, base_url=at.base_url, api_key_env=OTHER_KEY)
    return registry


# --- one that fails does not stop the others ----------------------------------------------------


def test_deadlines_are_warned_of_while_the_provider_is_down(house: House) -> None:
    house.voice("anna", 6.5)
    registry = house.open()
    with house.sandbox.offline():
        done = keep_house(registry)
        assert failed_steps(done) == [("sync", "default")]
        assert "could not be read" in (step(done, "sync").error or "")
        assert house.told_last() == [warning("anna", 7)]
        house.clock.advance(4 * DAY)
        keep_house(registry)
        assert house.told_last() == [warning("anna", 3)]
    house.clock.advance(HOUR)
    assert keep_house(registry).messages == ()


@ONE_DATABASE
def test_a_wrong_key_is_an_error_of_the_sync_alone(house: House) -> None:
    house.voice("anna", 6.5)
    registry = house.open(environment={DEFAULT_KEY_VARIABLE: "wrong-key"})
    done = keep_house(registry)
    assert failed_steps(done) == [("sync", "default")]
    assert "wrong-key" not in repr(done)
    assert house.told_last() == [warning("anna", 7)]


def test_an_account_without_a_key_keeps_no_other_from_being_served(
    house: House, studios_sandbox: Sandbox
) -> None:
    registry = _with_studio(house, studios_sandbox)
    accounts = ["default", STUDIO]
    used = house.voice("used", 6.5)
    house.voice("theirs", 6.5, account=STUDIO, at=studios_sandbox)
    house.voice("kept", 6.5, account=STUDIO, at=studios_sandbox, pinned=True)
    assert keep_house(registry, accounts=accounts).ok
    assert house.told_last() == [warning("theirs", 7), warning("used", 7)]
    assert [voice.name for voice in studios_sandbox.voices() if voice.uses] == ["kept"]

    registry.record_use(used)
    registry.flush()
    house.voice("new", 5.5)
    pinned = house.voice("stays", 9, account=STUDIO, at=studios_sandbox, pinned=True)
    house.clock.advance(4 * DAY)
    registry = _with_studio(house, studios_sandbox, key=None)
    done = keep_house(registry, accounts=accounts)

    assert failed_steps(done) == [("sync", STUDIO), ("keep_alive", STUDIO)]
    assert step(done, "sync", STUDIO).error == (
        "no API key for account studio: OTHER_KEY is not set; put the key into the environment "
        "variable OTHER_KEY, and try again"
    )
    assert step(done, "sync").ok
    told = house.told_last()
    assert warning("new", 3) in told
    # What rests on the registry alone is told of the other account as well.
    assert warning("theirs", 3) in told
    assert warning("stays", kind="keep_alive") in told
    assert [one for one in told if one.news == "all_clear"] == [all_clear("used")]
    assert "voice.keep-alive-failed" in house.actions(pinned)
    assert house.step_state("sync", STUDIO)["error"] is not None
    assert house.step_state("sync", "default")["error"] is None


def test_an_account_that_could_not_be_looked_at_gets_no_all_clear(
    house: House, studios_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = _with_studio(house, studios_sandbox)
    accounts = ["default", STUDIO]
    ours = house.voice("ours", 6.5)
    theirs = house.voice("theirs", 6.5, account=STUDIO, at=studios_sandbox)
    keep_house(registry, accounts=accounts)
    house.told_last()
    registry.record_use(ours)
    registry.record_use(theirs)
    registry.flush()
    concerns = Warnings.concerns

    def failing(self: Warnings, account: str, kept: Any) -> Any:
        if account == STUDIO:
            raise DatabaseUnusable("the database", "it is away")
        return concerns(self, account, kept)

    with monkeypatch.context() as patch:
        patch.setattr(Warnings, "concerns", failing)
        done = keep_house(registry, accounts=accounts)
    assert failed_steps(done) == [("warn", STUDIO)]
    assert house.told_last() == [all_clear("ours")]

    keep_house(registry, accounts=["default"])
    assert house.told_last() == [], "an account that is left out is not looked at, either"
    house.clock.advance(HOUR)
    keep_house(registry, accounts=accounts)
    assert house.told_last() == [all_clear("theirs")]


FAULTS: dict[str, tuple[type, str]] = {
    "sync": (Registry, "sync"),
    "settle": (Registry, "voices"),
    "keep_alive": (KeepAlives, "due"),
    "warn": (Warnings, "concerns"),
    "deliver": (Warnings, "prepare"),
    "prune": (Rounds, "prune"),
}
ORDER = ["sync", "settle", "keep_alive", "warn", "deliver", "prune"]


@ONE_DATABASE
@pytest.mark.parametrize("broken", ORDER)
def test_a_fault_of_one_step_is_told_and_does_not_stop_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    house.voice("anna", 6.5)
    registry = house.open()
    seen: list[str] = []

    def fault(*given: Any, **options: Any) -> Any:
        raise RuntimeError("a secret")

    with monkeypatch.context() as patch:
        patch.setattr(*FAULTS[broken], fault)
        done = keep_house(registry, on_step=lambda name, account: seen.append(name))

    assert seen == ORDER
    assert [one.name for one in done.steps] == ORDER
    assert not done.ok
    assert [(one.name, one.error) for one in done.steps if not one.ok] == [
        (broken, "internal error: RuntimeError")
    ]
    told = [[warning("anna", 7)]] if broken not in ("warn", "deliver") else []
    assert house.told() == told
    assert [row["ok"] for row in house.rows(rounds)] == [False]

    house.clock.advance(HOUR)
    assert keep_house(registry).ok
    assert house.told() == [[warning("anna", 7)]]


def test_how_each_step_went_last_is_on_record(house: House) -> None:
    registry = house.open()
    first = house.clock.now()
    keep_house(registry)
    of_all = {"deliver", "prune"}
    assert {
        (row["name"], row["account"]): (row["tried_at"], row["good_at"], row["error"])
        for row in house.rows(step_states)
    } == {(name, "" if name in of_all else "default"): (first, first, None) for name in ORDER}

    house.clock.advance(HOUR)
    with house.sandbox.offline():
        keep_house(registry)
    state = house.step_state("sync", "default")
    assert (state["tried_at"] - first, state["good_at"]) == (state["tried_at"] - first, first)
    assert state["tried_at"] >= first + HOUR
    assert "could not be read" in state["error"]
    assert house.step_state("prune")["good_at"] >= first + HOUR

    house.clock.advance(HOUR)
    keep_house(registry)
    state = house.step_state("sync", "default")
    assert state["error"] is None
    assert state["good_at"] == state["tried_at"] == house.clock.now()
    assert [(row["holder"], row["ok"]) for row in house.rows(rounds)] == [
        ("tester", True),
        ("tester", False),
        ("tester", True),
    ]
    assert all(row["finished_at"] >= row["started_at"] for row in house.rows(rounds))


@ONE_DATABASE
def test_of_an_unknown_account_nothing_is_begun(house: House) -> None:
    with pytest.raises(AccountNotFound):
        keep_house(house.open(), accounts=["default", "nobody"])
    assert house.rows(rounds) == []


# --- dry runs -----------------------------------------------------------------------------------


def test_a_dry_run_tells_what_a_round_would_and_changes_nothing(house: House) -> None:
    registry = house.open(house.settings(MAIL, "chat"))
    house.voice("anna", 8.5)
    used = house.voice("used", 6.5)
    keep_house(registry)
    house.told_last()
    house.told_last("chat")
    registry.record_use(used)
    registry.flush()
    # Something for every step: found, settled, kept alive, warned of, let go of.
    house.clock.advance(2 * DAY)
    house.sandbox.add_voice(
        family=QWEN, origin="designed", target_model="qwen3-tts-vd-2026-01-26", name="found"
    )
    unresolved(registry, house.sandbox, made=False)
    house.voice("pinned", 9, pinned=True)
    with begun(house.url) as connection:
        old = house.clock.now() - 731 * DAY
        connection.execute(sa.insert(events).values(at=old, actor="a", action="old"))
    house.clock.advance(CreateSettings().settle_after)
    before, asked = frozen.rows(house.url), len(house.sandbox.requests)

    dry = keep_house(registry, dry_run=True)

    assert frozen.rows(house.url) == before
    assert house.told() == house.told("chat") == []
    assert dry.dry_run
    assert dry.ok
    assert not any(delivery.delivered for delivery in dry.messages)
    assert [delivery.message.channel for delivery in dry.messages] == [MAIL, "chat"]
    assert step(dry, "sync").counts["imported"] == 1
    assert step(dry, "settle").counts == {
        "open": 1,
        "adopted": 0,
        "released": 0,
        "gone": 0,
        "left": 1,
    }
    assert step(dry, "keep_alive").counts["kept"] == 1
    assert step(dry, "prune").counts["events"] == 1
    listings = house.sandbox.requests[asked:]
    assert {(request.action or "").removesuffix("_voice") for request in listings} == {"list"}

    done = keep_house(registry)
    assert [told.message.items for told in dry.messages] == [
        told.message.items for told in done.messages
    ]
    assert house.told_last() == house.told_last("chat") == [warning("anna", 7), all_clear("used")]
    assert step(done, "prune").counts == step(dry, "prune").counts
    assert step(done, "settle").counts["released"] == 1


@ONE_DATABASE
def test_a_dry_run_may_look_while_a_round_is_at_work(house: House) -> None:
    house.voice("anna", 6.5)
    looking, working = house.open(), house.open()
    seen: list[Any] = []

    def look(name: str, account: str | None) -> None:
        if name == "warn":
            seen.append(keep_house(looking, dry_run=True))

    assert keep_house(working, on_step=look).ok
    assert len(seen[0].messages) == 1
    assert house.told() == [[warning("anna", 7)]]


# --- letting go ---------------------------------------------------------------------------------


def test_what_is_old_is_let_go_of_in_pieces_and_nothing_younger(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A year in these settings; more of each than goes at once."""
    monkeypatch.setattr(pruning, "_AT_ONCE", 7)
    registry = house.open(house.settings(MAIL, prune=PruneSettings(after=365 * DAY)))
    now = house.clock.now()
    cutoff = now - 365 * DAY
    gone = insert_voices(
        house.url, 3, state=State.LOST, created_at=now - 900 * DAY, gone_at=now - 800 * DAY
    )
    ages = [timedelta(seconds=1 + number) for number in range(20)]
    with begun(house.url) as connection:
        for at in [cutoff - age for age in ages] + [cutoff, cutoff + HOUR, now]:
            connection.execute(sa.insert(events).values(at=at, actor="a", action=at.isoformat()))
            connection.execute(
                sa.insert(messages).values(
                    id=at.isoformat(),
                    channel="gone",
                    made_at=at,
                    settled_at=at,
                    outcome="sent",
                    items=[],
                )
            )
            connection.execute(
                sa.insert(rounds).values(holder="a", started_at=at, finished_at=at, ok=True)
            )
        connection.execute(
            sa.insert(messages).values(id="open", channel="gone", made_at=cutoff - DAY, items=[])
        )
        for days in [*range(1, 21), 0, -1]:
            day = cutoff.date() - timedelta(days=days)
            connection.execute(
                sa.insert(voice_uses).values(voice=gone[0], day=day, source="a", uses=3)
            )

    done = keep_house(registry)

    assert step(done, "prune").counts == {"events": 20, "uses": 20, "messages": 20, "rounds": 20}
    young = [cutoff, cutoff + HOUR, now]
    assert [row["at"] for row in house.rows(events) if row["actor"] == "a"] == young
    kept = {row["id"] for row in house.rows(messages)}
    assert kept == {at.isoformat() for at in young} | {"open"}
    assert [row["started_at"] for row in house.rows(rounds) if row["holder"] == "a"] == young
    assert [row["day"] for row in house.rows(voice_uses)] == [
        cutoff.date(),
        cutoff.date() + timedelta(days=1),
    ]
    assert {row["id"] for row in house.rows(voices)} == set(gone)
    counts = step(keep_house(registry), "prune").counts
    assert set(counts.values()) == {0}


# --- settling -----------------------------------------------------------------------------------


def test_a_create_that_came_to_nothing_is_settled_in_one_round(house: House) -> None:
    registry = house.open()
    attempt = unresolved(registry, house.sandbox, made=False)
    assert step(keep_house(registry), "settle").counts["open"] == 0
    assert registry.voice(attempt.id).state is State.UNRESOLVED

    house.clock.advance(CreateSettings().settle_after)
    done = keep_house(registry)

    assert done.ok
    counts = {"open": 1, "adopted": 0, "released": 1, "gone": 0, "left": 0}
    assert step(done, "settle").counts == counts
    assert registry.voice(attempt.id).state is State.FAILED
    assert registry.quota(COSYVOICE).used == 0
    assert done.messages == (), "what is settled in the round in which it is found is no news"


@ONE_DATABASE
def test_a_create_that_made_a_voice_is_adopted(house: House) -> None:
    registry = house.open()
    attempt = unresolved(registry, house.sandbox, made=True)
    house.clock.advance(CreateSettings().settle_after)
    done = keep_house(registry)
    assert done.ok
    adopted = step(done, "sync").counts["adopted"] + step(done, "settle").counts["adopted"]
    assert adopted == 1
    voice = registry.voice(attempt.id)
    assert voice.state is State.ACTIVE
    assert voice.voice_id == house.sandbox.voices()[0].voice_id


@pytest.mark.parametrize("made", [False, True])
def test_one_that_is_unresolved_for_a_day_is_told_of_and_when_it_is_settled(
    house: House, made: bool
) -> None:
    registry = house.open()
    attempt = unresolved(registry, house.sandbox, made=made)
    house.sandbox.misbehave("list", "500", times=None)
    for hours, told in ((23, False), (25, True), (31, False)):
        house.clock.moment = attempt.created_at + hours * HOUR
        done = keep_house(registry)
        assert ("settle", "default") in failed_steps(done)
        assert step(done, "settle").counts["left"] == 1
        assert house.told_last() == [warning("announcer", kind="unresolved")] * told

    house.sandbox.clear_faults()
    assert keep_house(registry).ok
    assert registry.voice(attempt.id).state is (State.ACTIVE if made else State.FAILED)
    assert house.told_last() == [all_clear("announcer", kind="unresolved")]
    assert keep_house(registry).messages == ()


# --- states, quotas, models ---------------------------------------------------------------------


@ONE_DATABASE
def test_a_voice_that_is_lost_or_refused_is_told_of_once(house: House) -> None:
    house.voice("stays", 200)
    lost = house.voice("lost", 200)
    registry = house.open()
    keep_house(registry)
    house.sandbox.remove_voice(str(registry.voice(lost).voice_id))
    insert_voice(house.url, name="refused", state=State.REJECTED)
    update_voice(house.url, lost, note="whoever reads this")

    told = []
    for _ in range(3):
        house.clock.advance(6 * HOUR)
        keep_house(registry)
        told += house.told_last()
    assert warning("lost", kind="gone") in told
    assert len(told) == len(set(told))
    for _ in range(2):
        house.clock.advance(31 * DAY)
        keep_house(registry)
        assert house.told_last() == []


@ONE_DATABASE
def test_quotas_are_told_of_as_they_rise_and_when_there_is_room_again(house: House) -> None:
    registry = house.open()
    filled = insert_voices(house.url, 10, family=QWEN, created_at=house.clock.now())
    told = []
    for limit in (13, 12, 12, 10, 12, 10, 13, 13, 12):
        # 10 of 13 is 77 %, of 12 is 83 %.
        support.set_limits(house, qwen=limit)
        with house.sandbox.offline():
            keep_house(registry)
        told.append((limit, [one.news for one in house.told_last()]))
    assert told == [
        (13, []),
        (12, ["warning"]),
        (12, []),
        (10, ["warning"]),
        (12, []),
        (10, ["warning"]),
        (13, ["all_clear"]),
        (13, []),
        (12, ["warning"]),
    ]
    assert len(filled) == 10


@pytest.mark.parametrize(
    ("backend", "accounts"),
    [
        ("sqlite", ["default", "annex"]),
        ("sqlite", ["default"]),
        ("sqlite", ["annex"]),
        ("postgresql", ["annex", "default"]),
        *(
            pytest.param(backend, accounts, marks=pytest.mark.soak)
            for backend, accounts in (
                ("sqlite", ["annex", "default"]),
                ("postgresql", ["default", "annex"]),
                ("postgresql", ["default"]),
                ("postgresql", ["annex"]),
            )
        ),
    ],
    indirect=["backend"],
)
def test_a_quota_that_accounts_share_is_told_once_whichever_are_looked_at(
    house: House, accounts: list[str]
) -> None:
    registry = house.open()
    add_account(registry, "annex", quota_group="default", base_url=house.sandbox.base_url)
    insert_voices(house.url, 10, family=QWEN, created_at=house.clock.now())
    support.set_limits(house, qwen=10)
    with house.sandbox.offline():
        done = keep_house(registry, accounts=accounts)
        assert house.told_last() == [warning(QWEN, kind="quota")]
        (delivery,) = done.messages
        assert delivery.message.items[0].concern.shared_by == ("annex", "default")

        keep_house(registry, accounts=["default", "annex"])
        keep_house(registry, accounts=["default"])
        keep_house(registry, accounts=["annex"])
        assert house.told_last() == []
        support.set_limits(house, qwen=100)
        keep_house(registry, accounts=accounts)
        assert house.told_last() == [all_clear(QWEN, kind="quota")]
        keep_house(registry, accounts=["annex", "default"])
        assert house.told_last() == []


@ONE_DATABASE
def test_a_model_that_is_withdrawn_is_told_at_once_and_at_every_mark(house: House) -> None:
    house.voice("bound", 300)
    house.voice("free", 300, family=COSYVOICE)
    model = "qwen3-tts-vd-2026-01-26"
    on = house.clock.now().date() + timedelta(days=100)
    retiring = (Retiring(model, on), Retiring("nobody-uses-it", date(2026, 12, 1)))
    registry = house.open(house.settings(MAIL, retiring=retiring))
    told = []
    for days in (0, 1, 45, 75, 95, 99, 101, 120):
        house.clock.moment = house.clock.start + timedelta(days=days)
        with house.sandbox.offline():
            done = keep_house(registry)
        told.append((days, house.told_last()))
        for delivery in done.messages:
            (item,) = delivery.message.items
            assert [voice.name for voice in item.concern.voices] == ["bound"]
    assert told == [
        (0, [warning(model, kind="retiring")]),
        (1, []),
        (45, [warning(model, 60, kind="retiring")]),
        (75, [warning(model, 30, kind="retiring")]),
        (95, [warning(model, 7, kind="retiring")]),
        (99, [warning(model, 1, kind="retiring")]),
        (101, [warning(model, 0, kind="retiring")]),
        (120, []),
    ]
