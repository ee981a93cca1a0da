"""How the scheduler works: chance, time zones, signs of life, where figures are; and logs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from voicereg.settings import LogFormat, MetricsSettings, ScheduleSettings, Settings

from .conftest import Write, loaded, refused

SECRET = "tr0ub4dor"


def test_everything_that_can_be_set(write: Write) -> None:
    path = write(
        f"""
        [schedule]
        round = "0 3 * * *"
        jitter = "90s"
        timezone = "Asia/Shanghai"
        heartbeat = "https://beats.example/{SECRET}"
        [metrics]
        port = 9464
        address = "::"
        [log]
        format = "json"
        """
    )

    settings = loaded(path)

    assert settings.schedule == ScheduleSettings(
        round="0 3 * * *",
        jitter=timedelta(seconds=90),
        timezone="Asia/Shanghai",
        heartbeat=f"https://beats.example/{SECRET}",
    )
    assert settings.metrics == MetricsSettings(port=9464, address="::", textfile=None)
    assert settings.log.format is LogFormat.JSON
    assert SECRET not in repr(settings)


def test_what_holds_where_nothing_is_set() -> None:
    settings = Settings()

    assert settings.schedule.jitter == timedelta(minutes=2)
    assert (settings.schedule.timezone, settings.schedule.heartbeat) == (None, None)
    assert settings.metrics.address == "127.0.0.1"
    assert settings.log.format is LogFormat.TEXT


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT-8"])
def test_time_zones_by_their_names(write: Write, zone: str) -> None:
    assert loaded(write(f"[schedule]\ntimezone = '{zone}'")).schedule.timezone == zone


@pytest.mark.parametrize("none", ["0s", "0m", "0h", "0 d"])
def test_there_may_be_no_jitter(write: Write, none: str) -> None:
    assert loaded(write(f"[schedule]\njitter = '{none}'")).schedule.jitter == timedelta(0)


@pytest.mark.parametrize("url", ["https://a", "http://a", "env:BEAT", "anything at all"])
def test_a_heartbeat_is_taken_as_it_is(write: Write, url: str) -> None:
    assert loaded(write(f"[schedule]\nheartbeat = '{url}'")).schedule.heartbeat == url


@pytest.mark.parametrize(
    ("section", "key", "value", "rule"),
    [
        ("schedule", "jitter", "120", 'it must be a duration such as "15m"'),
        ("schedule", "jitter", "'2 minutes'", 'it must be a duration such as "15m"'),
        ("schedule", "jitter", "'-2m'", 'it must be a duration such as "15m"'),
        ("schedule", "jitter", "'1.5m'", 'it must be a duration such as "15m"'),
        ("schedule", "jitter", "''", 'it must be a duration such as "15m"'),
        ("schedule", "jitter", "0", 'it must be a duration such as "15m"'),
        ("schedule", "jitter", "'0'", 'it must be a duration such as "15m"'),
        ("schedule", "timezone", "'Mars/Olympus'", "it must be a time zone such as"),
        ("schedule", "timezone", "'CEST2'", "it must be a time zone such as"),
        ("schedule", "timezone", "'../../etc/passwd'", "it must be a time zone such as"),
        ("schedule", "timezone", "'/etc/localtime'", "it must be a time zone such as"),
        ("schedule", "timezone", "'Europe'", "it must be a time zone such as"),
        ("schedule", "timezone", "'+08:00'", "it must be a time zone such as"),
        ("schedule", "timezone", "8", "it must be a text"),
        ("schedule", "timezone", "' '", "it must not be empty"),
        ("schedule", "timezone", '"UTC\\u0000"', "it holds a NUL character"),
        ("schedule", "heartbeat", "''", "it must be a text, and not be empty"),
        ("schedule", "heartbeat", "7", "it must be a text, and not be empty"),
        ("schedule", "heartbeat", f"['https://{SECRET}']", "it must be a text, and not be empty"),
        ("metrics", "address", "''", "it must not be empty"),
        ("metrics", "address", "127", "it must be a text"),
        ("log", "format", "'JSON'", "it must be one of text, json"),
        ("log", "format", "'xml'", "it must be one of text, json"),
        ("log", "format", "true", "it must be one of text, json"),
        ("log", "level", "'info'", "there is no such setting"),
    ],
)
def test_what_does_not_fit_is_named(
    write: Write, section: str, key: str, value: str, rule: str
) -> None:
    path = write(f"[{section}]\n{key} = {value}")

    (problem,) = refused(path)

    assert problem.where == f"{path}: {section}.{key}"
    assert rule in problem.rule
    assert SECRET not in str(problem)


def test_a_misspelt_heartbeat_is_not_shown(write: Write) -> None:
    path = write(f"[schedule]\nheart_beat = 'https://beats.example/{SECRET}'")

    (problem,) = refused(path)

    assert problem.where == f"{path}: schedule.heart_beat"
    assert SECRET not in str(problem)
