"""Registries that are well, or that need an alert; each is lived through, as Prometheus sees it.

Every scene begins as the healthy one does. What is scraped is what two hosts show of one registry,
unless the scene says otherwise.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from tests.contrib.promql import NAME, Vector, samples
from tests.fakes import NARRATOR
from tests.housekeeping.support import OTHER_KEY, House, keep_house, set_limits
from tests.metrics.reading import text_of
from tests.registry.rows import QWEN, begun, insert_voices
from tests.registry.support import add_account
from voicereg import Registry, VoiceregError
from voicereg.domain.rounds import LEADER_LEASE
from voicereg.settings import WarnSettings
from voicereg.tables import leases

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOSTS = ("a.example.org:9464", "b.example.org:9464")
YEARS = timedelta(days=3650)
EMPTY = "empty.db"
"""A database in which nothing is, beside that of the scene."""


@dataclass
class Scene:
    """A registry that is being lived with."""

    house: House
    registry: Registry
    scraped: Vector = field(default_factory=dict)
    """What Prometheus has of it, once it was shown."""
    now: float = 0
    """When it was looked at."""

    def reads(self, host: str) -> bool:
        """Whether the figures of a host are read at each scrape, rather than left in a file."""
        return ":9464" in host

    def lead(self, registry: Registry | None = None) -> None:
        (registry or self.registry).leases.take(LEADER_LEASE, YEARS)

    def keep(self, **options: Any) -> bool:
        """A round of housekeeping, and whether it went well."""
        return keep_house(self.registry, **options).ok

    def live(self, duration: timedelta, *, every: timedelta = 6 * HOUR) -> None:
        """Let time go by, with rounds."""
        for _ in range(int(duration / every)):
            self.house.clock.advance(every)
            self.keep()

    def show(
        self,
        registry: Registry | None = None,
        *,
        hosts: Iterable[str] = HOSTS,
        job: str = "voicereg",
    ) -> None:
        """What the registry shows at this moment, on hosts that are scraped."""
        text = text_of(registry or self.registry)
        for host in hosts:
            for labels in [one for one in self.scraped if ("instance", host) in one]:
                del self.scraped[labels]
            self.scraped |= samples(text, job=job, instance=host)
            self.up(host, job=job)

    def up(self, host: str, value: float = 1, *, job: str = "voicereg") -> None:
        self.scraped[frozenset({NAME: "up", "job": job, "instance": host}.items())] = value


def begin(house: House) -> None:
    """A registry in which all is well, a little while after a round."""
    set_limits(house, qwen=100)
    for number in range(4):
        house.voice(f"voice{number}", 200 + number)
    scene = Scene(house, house.open())
    assert scene.keep()
    scene.lead()
    house.clock.advance(HOUR)


def healthy(scene: Scene) -> None:
    """Nothing happens."""


def fresh(scene: Scene) -> None:
    """A registry that was just set up, after its first round."""
    scene.registry = _another_registry(scene)
    scene.lead()
    assert scene.keep()


def quota_at_four_fifths(scene: Scene) -> None:
    set_limits(scene.house, qwen=5)


def everything(scene: Scene) -> None:
    """There is something of each kind to be shown."""
    scene.house.voice("late", -3)
    scene.house.voice("pinned", 20, pinned=True)
    scene.house.sandbox.misbehave("create", "500")
    _refused(scene.registry)
    scene.keep()


def quota_just_below_four_fifths(scene: Scene) -> None:
    insert_voices(scene.house.url, 75, family=QWEN)


def quota_nearly_full(scene: Scene) -> None:
    insert_voices(scene.house.url, 15, family=QWEN)
    set_limits(scene.house, qwen=20)


def quota_full(scene: Scene) -> None:
    set_limits(scene.house, qwen=4)


def quota_full_by_the_providers_word(scene: Scene) -> None:
    scene.house.sandbox.misbehave("create", "quota-full")
    _refused(scene.registry)


def quota_full_of_a_group(scene: Scene) -> None:
    """Two accounts share the quota."""
    add_account(
        scene.registry, "partner", quota_group="default", base_url=scene.house.sandbox.base_url
    )
    set_limits(scene.house, qwen=4)
    scene.keep(accounts=["default", "partner"])


def voices_due(scene: Scene) -> None:
    scene.house.voice("soon", 6.5)
    scene.keep()


def voices_due_later(scene: Scene) -> None:
    scene.house.voice("soon", 7.5)
    scene.keep()


def voices_due_without_the_mark(scene: Scene) -> None:
    scene.registry = scene.house.open(
        scene.house.settings(warn=WarnSettings(marks=(30, 10))), actor="another"
    )
    voices_due(scene)


def voices_past_their_deadline(scene: Scene) -> None:
    scene.house.voice("late", -0.5)
    scene.keep()


def voices_past_and_due(scene: Scene) -> None:
    scene.house.voice("late", -0.5)
    voices_due(scene)


def used_again(scene: Scene) -> None:
    """It was past its deadline, and has spoken since."""
    voice = scene.house.voice("late", -0.5)
    scene.keep()
    scene.registry.record_use(voice)
    scene.registry.flush()
    scene.live(6 * HOUR)


def create_unresolved(scene: Scene) -> None:
    """Two listed voices fit one attempt, so nothing is guessed, round after round."""
    sandbox = scene.house.sandbox
    sandbox.misbehave("create", "500", after=True)
    _refused(scene.registry)
    sandbox.add_voice(
        family=QWEN, origin="designed", language=sandbox.voices()[-1].language, **NARRATOR
    )
    scene.live(26 * HOUR, every=13 * HOUR)


def create_unresolved_for_an_hour(scene: Scene) -> None:
    scene.house.sandbox.misbehave("create", "500")
    _refused(scene.registry)
    scene.house.clock.advance(HOUR)


def account_never_synced(scene: Scene) -> None:
    """One account is left out of the rounds."""
    scene.registry.accounts.add(
        "studio",
        region="cn-beijing",
        workspace=None,
        base_url=None,
        api_key_env=OTHER_KEY,
        quota_group=None,
        limits={},
        unchecked=False,
    )
    scene.live(6 * HOUR)


def no_round_for_a_day(scene: Scene) -> None:
    scene.house.clock.advance(25 * HOUR)


def never_a_round(scene: Scene) -> None:
    """A registry that was set up and forgotten."""
    scene.registry = _another_registry(scene)
    scene.lead()


def a_round_in_the_future(scene: Scene) -> None:
    clock = scene.house.clock
    clock.advance(2 * DAY)
    scene.keep()
    clock.advance(-2 * DAY)


def no_leader(scene: Scene) -> None:
    _drop_leader(scene)


def no_leader_by_cron(scene: Scene) -> None:
    """Rounds by cron, figures by a node exporter: nobody leads, and nobody need."""
    _drop_leader(scene)
    scene.show(hosts=["a.example.org:9100"], job="node")


def two_registries_where_one_is_meant(scene: Scene) -> None:
    """Each host has a SQLite file of its own."""
    scene.show(hosts=HOSTS[:1])
    other = _another_registry(scene)
    scene.house.clock.advance(timedelta(minutes=20))
    assert keep_house(other).ok
    scene.lead(other)
    scene.show(other, hosts=HOSTS[1:])


def listings_fail(scene: Scene) -> None:
    scene.house.sandbox.misbehave("list", "500", times=None)
    scene.live(6 * HOUR)


def listings_fail_for_a_day(scene: Scene) -> None:
    scene.house.sandbox.misbehave("list", "500", times=None)
    scene.live(26 * HOUR, every=13 * HOUR)


def listings_failed_once(scene: Scene) -> None:
    scene.house.sandbox.misbehave("list", "500", times=None)
    scene.live(6 * HOUR)
    scene.house.sandbox.clear_faults()
    scene.live(6 * HOUR)


def channel_down(scene: Scene) -> None:
    """The channel's directory has gone; there is something to tell."""
    scene.house.voice("soon", 20)
    scene.house.directory = scene.house.directory / "not there"
    scene.registry = scene.house.open(actor="another")
    scene.live(6 * HOUR)


def channel_down_and_up(scene: Scene) -> None:
    channel_down(scene)
    scene.house.directory.mkdir()
    scene.live(6 * HOUR)


def keep_alive_fails(scene: Scene) -> None:
    scene.house.voice("pinned", 20, pinned=True)
    scene.house.sandbox.misbehave("synthesize", "500", times=None)
    scene.live(6 * HOUR)


def file_not_refreshed(scene: Scene) -> None:
    """Nothing but a file is scraped, and nobody has written it for nine hours."""
    scene.house.voice("late", -0.5)
    scene.keep()
    scene.show(hosts=["a.example.org:9100"], job="node")
    scene.house.clock.advance(9 * HOUR)


def file_of_the_former_leader(scene: Scene) -> None:
    """Another host leads since then: what the old file says counts no more."""
    voice = scene.house.voice("late", -0.5)
    scene.keep()
    scene.show(hosts=["a.example.org:9100"], job="node")
    scene.registry.record_use(voice)
    scene.registry.flush()
    scene.house.clock.advance(6 * HOUR)
    scene.live(6 * HOUR)
    scene.show(hosts=["b.example.org:9100"], job="node")


def all_away(scene: Scene) -> None:
    for host in HOSTS:
        scene.up(host, 0)


def one_away(scene: Scene) -> None:
    scene.show(hosts=HOSTS[:1])
    scene.up(HOSTS[1], 0)


@dataclass(frozen=True)
class Expected:
    """What goes off on a scene: each of these alerts once, and no other."""

    play: Callable[[Scene], None]
    alerts: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    """Of the first of them."""

    @property
    def name(self) -> str:
        return self.play.__name__


Played = Callable[[Expected], Scene]
"""Lives through a scene, unless that was done."""

_QWEN = {"account": "default", "family": QWEN}
_GROUP = {"quota_group": "default", "family": QWEN}
_STEP = {"step": "sync", "account": "default"}
EVERYTHING = Expected(everything, ("VoicesPastDeadline",), _QWEN)
HEALTHY = Expected(healthy)
SCENES: Sequence[Expected] = (
    HEALTHY,
    EVERYTHING,
    Expected(fresh),
    Expected(quota_just_below_four_fifths),
    Expected(quota_at_four_fifths, ("QuotaWarning",), _GROUP),
    Expected(quota_nearly_full, ("QuotaCritical",), _GROUP),
    Expected(quota_full, ("QuotaFull",), _GROUP),
    Expected(quota_full_of_a_group, ("QuotaFull",), _GROUP),
    Expected(quota_full_by_the_providers_word, ("QuotaFull", "SyncStale"), _GROUP),
    Expected(voices_due, ("VoicesDue",), _QWEN),
    Expected(voices_due_without_the_mark, ("VoicesDue",), _QWEN),
    Expected(voices_due_later),
    Expected(voices_past_their_deadline, ("VoicesPastDeadline",), _QWEN),
    Expected(voices_past_and_due, ("VoicesPastDeadline", "VoicesDue"), _QWEN),
    Expected(used_again),
    Expected(create_unresolved, ("CreateUnresolved",), _QWEN),
    Expected(create_unresolved_for_an_hour),
    Expected(account_never_synced, ("SyncStale", "SyncStale"), _GROUP | {"quota_group": "studio"}),
    Expected(no_round_for_a_day, ("NoGoodRound", "SyncStale", "SyncStale")),
    Expected(never_a_round, ("NoGoodRound", "SyncStale", "SyncStale")),
    Expected(a_round_in_the_future, ("NoGoodRound",)),
    Expected(no_leader, ("NoLeader",)),
    Expected(no_leader_by_cron),
    Expected(two_registries_where_one_is_meant, ("MoreThanOneLeader",)),
    Expected(listings_fail, ("StepFailing",), _STEP),
    Expected(
        listings_fail_for_a_day,
        ("StepFailing", "NoGoodRound", "SyncStale", "SyncStale"),
        _STEP,
    ),
    Expected(listings_failed_once),
    Expected(channel_down, ("DeliveriesFailing", "StepFailing"), {"channel": "mail"}),
    Expected(channel_down_and_up),
    Expected(keep_alive_fails, ("StepFailing",), _STEP | {"step": "keep_alive"}),
    Expected(file_not_refreshed, ("FiguresOld",)),
    Expected(file_of_the_former_leader),
    Expected(all_away, ("Absent", "SchedulerDown", "SchedulerDown")),
    Expected(one_away, ("SchedulerDown",), {"instance": HOSTS[1], "job": "voicereg"}),
)


def play(expected: Expected, house: House) -> Scene:
    """Live through a scene that has begun, and look at it."""
    scene = Scene(house, house.open())
    expected.play(scene)
    if not scene.scraped:
        scene.show()
    scene.now = house.clock.now().timestamp()
    return scene


def _refused(registry: Registry) -> None:
    try:
        registry.design(**NARRATOR)
    except VoiceregError:
        return
    raise AssertionError("the create went well")


def _drop_leader(scene: Scene) -> None:
    with begun(scene.house.url) as connection:
        connection.execute(sa.delete(leases))


def _another_registry(scene: Scene) -> Registry:
    """A new one beside that of the scene, at the same provider."""
    template = Path(make_url(scene.house.url).database or "").with_name(EMPTY)
    copy = template.with_name("other.db")
    shutil.copyfile(template, copy)
    return replace(scene.house, url=f"sqlite:///{copy}").open(actor="another host")
