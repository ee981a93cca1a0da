"""What can be set, with what holds where nothing is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from voicereg.domain.accounts import DEFAULT_ACCOUNT
from voicereg.domain.messages import Language
from voicereg.domain.quotas import QuotaThresholds
from voicereg.domain.routes import VoiceRule
from voicereg.settings.database_urls import as_database_url
from voicereg.settings.places import default_database_path

CONNECT_TRIES = 4
"""How often a request is sent that did not get through."""
LONGEST_BACKOFF = timedelta(seconds=8)
"""The longest wait between two tries, unless the provider asks for another."""
LONGEST_ASKED_WAIT = timedelta(seconds=60)
"""The longest that the provider may ask to wait; beyond, it is left to the caller."""


@dataclass(frozen=True, slots=True)
class CreateSettings:
    """How creates behave."""

    settle_after: timedelta = timedelta(minutes=15)
    """From when a create whose outcome is unknown may be settled; longer than any create lasts."""
    connect_timeout: timedelta = timedelta(seconds=10)
    """How long the provider may take to accept a connection."""
    write_timeout: timedelta = timedelta(seconds=30)
    """How long it may take to take a request."""
    read_timeout: timedelta = timedelta(seconds=120)
    """How long an answer may take. A create takes ten to thirty seconds; one user of the provider
    waits up to ninety."""
    pool_timeout: timedelta = timedelta(seconds=30)
    """How long a thread waits for a free connection."""
    review_wait: timedelta = timedelta(seconds=120)
    """How long a create waits for the provider's review."""
    mark_names: bool = False
    """Whether four characters are added to each name, so that a lost create is recognised."""

    @property
    def longest_create(self) -> timedelta:
        """How long a create can last: it is sent again only while it cannot connect."""
        return CONNECT_TRIES * (self._connecting + LONGEST_BACKOFF) + self._answering

    @property
    def longest_delete(self) -> timedelta:
        """How long a delete can last, which is sent again whatever happened to it."""
        return CONNECT_TRIES * (self._connecting + self._answering + LONGEST_ASKED_WAIT)

    @property
    def _connecting(self) -> timedelta:
        return self.pool_timeout + self.connect_timeout

    @property
    def _answering(self) -> timedelta:
        # An answer may take a read time-out to begin, and another before it is given up.
        return self.write_timeout + 2 * self.read_timeout


@dataclass(frozen=True, slots=True)
class WarnSettings:
    """When warnings are due, and how they are worded."""

    marks: tuple[int, ...] = (60, 30, 14, 7, 3, 1)
    """How many days before a deadline a warning is due; the earliest warning first."""
    language: Language = Language.ENGLISH
    """What messages are written in, on channels that do not say otherwise."""


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """Where warnings are sent, and which of them."""

    name: str
    """What it is called; a channel of a new name has been told nothing yet."""
    url: str = field(repr=False)
    """An Apprise URL, or ``env:NAME`` for the variable that holds one. It is full of secrets, so
    it is never shown."""
    rule: VoiceRule
    """The voices that this channel hears of."""
    language: Language | None = None
    """What its messages are written in; None: as :class:`WarnSettings` says."""


@dataclass(frozen=True, slots=True)
class KeepAliveSettings:
    """Which voices are used before their deadline, so that the provider keeps them."""

    within: timedelta = timedelta(days=30)
    """How long before its deadline a voice is used."""
    daily_limit: int = 20
    """How many voices are used in a day, as each use costs money; 0: none."""
    rules: tuple[VoiceRule, ...] = ()
    """A voice that fits any of them is kept alive."""


@dataclass(frozen=True, slots=True)
class Retiring:
    """A target model that the provider withdraws."""

    model: str
    """Its name."""
    on: date
    """The first day without it."""


@dataclass(frozen=True, slots=True)
class PruneSettings:
    """When records of past work may go. Voices are never erased."""

    after: timedelta = timedelta(days=730)
    """How old they become."""


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """When the scheduler works."""

    round: str = "17 */6 * * *"
    """When a round of housekeeping begins, as a cron expression of five fields. Not on the full
    hour, when everybody's timers go off."""
    jitter: timedelta = timedelta(minutes=2)
    """How much later than that it may begin, by chance; zero: not at all. A schedule of
    every minute has none."""
    timezone: str | None = None
    """Whose clock the expression is read by, such as ``Asia/Shanghai``; None: the machine's."""
    heartbeat: str | None = field(default=None, repr=False)
    """A URL that is asked for after each round in which all went well, or ``env:NAME`` for the
    variable that holds it; whoever is behind it raises an alarm when that does not come."""


@dataclass(frozen=True, slots=True)
class MetricsSettings:
    """How figures are given to a monitoring system."""

    port: int | None = None
    """Where the scheduler serves them over HTTP; None: nowhere."""
    address: str = "127.0.0.1"
    """Where it listens; ``0.0.0.0`` for every network, which then sees names of accounts."""
    textfile: Path | None = None
    """The file that a scheduler keeps them in, for a node exporter; None: no file."""


@dataclass(frozen=True, slots=True)
class PostgresqlSettings:
    """How connections to PostgreSQL are kept, and for how long anything is waited for.

    They are of each process; a SQLite file has no use for them.
    """

    pool_size: int = 5
    """How many connections stay open."""
    pool_overflow: int = 15
    """How many more are opened while those are all in use."""
    pool_timeout: timedelta = timedelta(seconds=30)
    """How long a thread waits for one when there are no more."""
    connect_timeout: timedelta = timedelta(seconds=10)
    """How long a server, each of its addresses, may take to answer at all. The URL's own wins."""
    statement_timeout: timedelta = timedelta(seconds=60)
    """How long one statement may take, except those of an upgrade, a copy or a backup. A host
    that was cut off in the middle of a write holds its locks for no longer, either."""
    lock_timeout: timedelta = timedelta(seconds=30)
    """How long a transaction waits for what others hold."""
    restart_wait: timedelta = timedelta(seconds=20)
    """How long a server is waited for that could be reached before; PgBouncer takes 15 seconds to
    notice that one is back."""


class LogFormat(StrEnum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How the command line logs to stderr."""

    format: LogFormat = LogFormat.TEXT
    """``text`` or ``json``, one object a line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set."""

    database: str | None = field(default=None, repr=False)
    """An SQLAlchemy URL or a path; None: a SQLite file in the user's data directory. The URL may
    hold a password, so it is not shown."""
    account: str = DEFAULT_ACCOUNT
    """The account that is selected where nothing else is said."""
    base_url: str | None = None
    """Overrides the selected account's HTTP base."""
    create: CreateSettings = field(default_factory=CreateSettings)
    quota: QuotaThresholds = field(default_factory=QuotaThresholds)
    warn: WarnSettings = field(default_factory=WarnSettings)
    channels: tuple[ChannelSettings, ...] = ()
    """No two have the same name."""
    keep_alive: KeepAliveSettings = field(default_factory=KeepAliveSettings)
    schedule: ScheduleSettings = field(default_factory=ScheduleSettings)
    retiring: tuple[Retiring, ...] = ()
    """Each model once."""
    prune: PruneSettings = field(default_factory=PruneSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    log: LogSettings = field(default_factory=LogSettings)
    postgresql: PostgresqlSettings = field(default_factory=PostgresqlSettings)

    def database_url(self) -> str:
        """The database to open, as a URL."""
        return as_database_url(self.database or str(default_database_path()))
