"""The settings file: its sections, one function each."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from voicereg.domain.accounts import DEFAULT_ACCOUNT
from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import Family
from voicereg.domain.messages import Language
from voicereg.domain.quotas import QuotaThresholds
from voicereg.domain.routes import VoiceRule
from voicereg.settings import readers
from voicereg.settings.readers import Reader, refusal
from voicereg.settings.toml_tables import Table
from voicereg.settings.values import (
    ChannelSettings,
    CreateSettings,
    KeepAliveSettings,
    LogFormat,
    LogSettings,
    MetricsSettings,
    PostgresqlSettings,
    PruneSettings,
    Retiring,
    ScheduleSettings,
    Settings,
    WarnSettings,
)

LONGEST_AHEAD = 364
"""How many days before a deadline anything can be due: one more, and a use would not help."""
LONGEST_KEPT = 36_500
"""Further back than this there is nothing, and soon no date either."""
LONGEST_CHANNEL_NAME = 100
LONGEST_LIMIT = timedelta(days=1)
"""Longer, and nothing would ever come of it."""
MOST_CONNECTIONS = 1000


def read_file(path: Path) -> Settings:
    """The settings that a file holds, and the defaults of what it does not.

    Raises:
        InvalidInput: one problem for each key that is unknown or does not fit.
    """
    import tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(Problem("config", str(path), error.strerror or str(error))) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(Problem("config", str(path), f"it is not TOML: {error}")) from None
    top = Table(path, content)
    settings = Settings(
        database=top.take("database", readers.text, None),
        account=top.take("account", readers.text, DEFAULT_ACCOUNT),
        base_url=top.take("base_url", readers.text, None),
        create=_by_type(top.table("create"), CreateSettings()),
        quota=_by_type(top.table("quota"), QuotaThresholds()),
        warn=_warn(top.table("warn")),
        channels=_channels(top.tables("channel", "written [[channel]], once for each")),
        keep_alive=_keep_alive(top.table("keep_alive")),
        schedule=_schedule(top.table("schedule")),
        retiring=_retiring(top.tables("retiring", "written [[retiring]], once for each model")),
        prune=_prune(top.table("prune")),
        metrics=_metrics(top.table("metrics")),
        log=_log(top.table("log")),
        postgresql=_postgresql(top.table("postgresql")),
    )
    if problems := tuple(top.problems()):
        raise InvalidInput(*problems)
    return settings


_READERS: dict[type, Callable[[str, Any], Any]] = {
    timedelta: readers.duration,
    float: readers.share,
    bool: readers.flag,
}
"""How a setting is read, by the type of its default."""

Section = TypeVar("Section", CreateSettings, QuotaThresholds)


def _by_type(table: Table, default: Section) -> Section:
    """A section whose settings have no rules but those of their types."""
    values = {
        known.name: table.take(known.name, _READERS[type(value)], value)
        for known in fields(default)
        for value in (getattr(default, known.name),)
    }
    return replace(default, **values)


def _warn(table: Table) -> WarnSettings:
    default = WarnSettings()
    return WarnSettings(
        marks=table.take("marks", _marks, default.marks),
        language=table.take("language", readers.one_of(Language), default.language),
    )


def _marks(where: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise refusal(where, value, "it must be a list of days such as [30, 7, 1]")
    if not value:
        raise refusal(
            where, value, "it must name at least one day: with none, nothing is ever warned of"
        )
    read = readers.whole(1, LONGEST_AHEAD)
    marks = [read(f"{where}[{number}]", each) for number, each in enumerate(value, start=1)]
    for mark in marks:
        if marks.count(mark) > 1:
            raise refusal(where, mark, "it must name each day once")
    return tuple(sorted(marks, reverse=True))


def _channels(tables: Iterable[Table]) -> tuple[ChannelSettings, ...]:
    return _different(
        ((table, _channel(table)) for table in tables),
        "name",
        lambda channel: channel.name,
        "another channel has this name",
    )


def _channel(table: Table) -> ChannelSettings | None:
    name = table.need("name", _channel_name)
    url = table.need("url", readers.secret_text)
    rule = VoiceRule(
        owner=table.take("owner", readers.filled_text, None),
        tag=table.take("tag", readers.tag, None),
        family=table.take("family", readers.one_of(Family), None),
        account=table.take("account", readers.filled_text, None),
    )
    language = table.take("language", readers.one_of(Language), None)
    if name is None or url is None:
        return None
    return ChannelSettings(name, url, rule, language)


def _channel_name(where: str, value: Any) -> str:
    name = readers.filled_text(where, value)
    if "://" in name:
        # A name is shown wherever the channel is spoken of.
        raise refusal(where, name, "it must be a name, and no URL: that belongs into url")
    if len(name) > LONGEST_CHANNEL_NAME:
        rule = f"it has {len(name)} characters; at most {LONGEST_CHANNEL_NAME} are allowed"
        raise refusal(where, name, rule)
    if not name.isprintable() or name != name.strip():
        rule = "it must be printable, on one line, and without space around it"
        raise refusal(where, ascii(name), rule)
    return name


def _keep_alive(table: Table) -> KeepAliveSettings:
    default = KeepAliveSettings()
    rules = table.tables("rules", 'a list of tables such as [{ tag = "production" }]')
    return KeepAliveSettings(
        within=table.take("within", readers.days(1, LONGEST_AHEAD), default.within),
        daily_limit=table.take("daily_limit", readers.whole(0, 1000), default.daily_limit),
        rules=tuple(_keep_alive_rule(table, number, rule) for number, rule in enumerate(rules, 1)),
    )


def _keep_alive_rule(parent: Table, number: int, table: Table) -> VoiceRule:
    if table.is_empty:
        parent.refuse(
            f"rules[{number}]",
            "",
            "it must name a tag, owner, family, model or account: an empty rule would mean "
            "every voice",
        )
    return VoiceRule(
        owner=table.take("owner", readers.filled_text, None),
        tag=table.take("tag", readers.tag, None),
        family=table.take("family", readers.one_of(Family), None),
        account=table.take("account", readers.filled_text, None),
        model=table.take("model", readers.filled_text, None),
    )


def _schedule(table: Table) -> ScheduleSettings:
    default = ScheduleSettings()
    return ScheduleSettings(
        round=table.take("round", _cron, default.round),
        jitter=table.take("jitter", readers.duration_or_none, default.jitter),
        timezone=table.take("timezone", _timezone, None),
        heartbeat=table.take("heartbeat", readers.secret_text, None),
    )


def _timezone(where: str, value: Any) -> str:
    from zoneinfo import ZoneInfo

    name = readers.filled_text(where, value)
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise refusal(where, name, 'it must be a time zone such as "Asia/Shanghai"') from None
    return name


def _cron(where: str, value: Any) -> str:
    """A cron expression by its looks; what its fields mean is for the scheduler to say."""
    parts = readers.text(where, value).split()
    if len(parts) != 5 or not all(re.fullmatch(r"[0-9A-Za-z*/,-]+", part) for part in parts):
        raise refusal(
            where, value, 'it must be a cron expression of five fields such as "17 */6 * * *"'
        )
    return " ".join(parts)


def _retiring(tables: Iterable[Table]) -> tuple[Retiring, ...]:
    return _different(
        ((table, _retiring_model(table)) for table in tables),
        "model",
        lambda retiring: retiring.model,
        "this model is there twice",
    )


def _retiring_model(table: Table) -> Retiring | None:
    model = table.need("model", readers.filled_text)
    on = table.need("on", readers.day)
    return None if model is None or on is None else Retiring(model, on)


def _prune(table: Table) -> PruneSettings:
    return PruneSettings(
        after=table.take("after", readers.days(1, LONGEST_KEPT), PruneSettings().after)
    )


def _metrics(table: Table) -> MetricsSettings:
    port: Reader[int] = readers.whole(1, 65_535)
    return MetricsSettings(
        port=table.take("port", port, None),
        address=table.take("address", readers.filled_text, MetricsSettings().address),
        textfile=table.take("textfile", readers.path, None),
    )


def _log(table: Table) -> LogSettings:
    return LogSettings(format=table.take("format", readers.one_of(LogFormat), LogSettings().format))


def _postgresql(table: Table) -> PostgresqlSettings:
    default = PostgresqlSettings()
    limits = {
        name: table.take(name, readers.up_to(LONGEST_LIMIT), getattr(default, name))
        for name in (
            "pool_timeout",
            "connect_timeout",
            "statement_timeout",
            "lock_timeout",
            "restart_wait",
        )
    }
    return PostgresqlSettings(
        pool_size=table.take("pool_size", readers.whole(1, MOST_CONNECTIONS), default.pool_size),
        pool_overflow=table.take(
            "pool_overflow", readers.whole(0, MOST_CONNECTIONS), default.pool_overflow
        ),
        **limits,
    )


Entry = TypeVar("Entry", ChannelSettings, Retiring)


def _different(
    found: Iterable[tuple[Table, Entry | None]],
    key: str,
    identity: Callable[[Entry], Hashable],
    rule: str,
) -> tuple[Entry, ...]:
    """The entries that could be read; one that is there already is refused."""
    entries: dict[Hashable, Entry] = {}
    for table, entry in found:
        if entry is None:
            continue
        if entries.setdefault(identity(entry), entry) is not entry:
            table.refuse(key, identity(entry), rule)
    return tuple(entries.values())
