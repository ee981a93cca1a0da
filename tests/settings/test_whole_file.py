"""The settings file that the design shows, as a whole, and every mistake of a file at once."""

from __future__ import annotations

import pickle
from datetime import date, timedelta
from pathlib import Path

import pytest

import voicereg.settings
from voicereg.domain.messages import Language
from voicereg.domain.quotas import QuotaThresholds
from voicereg.domain.routes import TagFilter, VoiceRule
from voicereg.settings import (
    ChannelSettings,
    CreateSettings,
    KeepAliveSettings,
    MetricsSettings,
    PruneSettings,
    Retiring,
    ScheduleSettings,
    Settings,
    WarnSettings,
)

from .conftest import Write, loaded, refused

DESIGNED = """
database = "postgresql://…"
account = "studio"
[create]
settle_after = "15m"           # also VOICEREG_SETTLE_AFTER; timeouts and the review wait beside it
mark_names = false             # four characters added to each name
[quota]
warning = 0.80
critical = 0.95
[warn]
marks = [60, 30, 14, 7, 3, 1]  # days
language = "en"                # or "zh"
[[channel]]                    # any number
name = "studio mail"
url = "mailto://…"             # an Apprise URL, or env:NAME to take it from a variable
owner = "studio"               # optional routing: owner, tag, family, account
[keep_alive]
within = "30d"
daily_limit = 20
rules = [{ tag = "production" }]
[schedule]
round = "17 */6 * * *"
[[retiring]]
model = "qwen3-tts-vd-realtime-2025-12-16"
on = 2027-03-01
[metrics]
port = 9464
textfile = "/var/lib/node_exporter/voicereg.prom"
"""


def test_the_file_of_the_design(write: Write) -> None:
    assert loaded(write(DESIGNED)) == Settings(
        database="postgresql://…",
        account="studio",
        base_url=None,
        create=CreateSettings(settle_after=timedelta(minutes=15), mark_names=False),
        quota=QuotaThresholds(0.80, 0.95),
        warn=WarnSettings((60, 30, 14, 7, 3, 1), Language.ENGLISH),
        channels=(ChannelSettings("studio mail", "mailto://…", VoiceRule(owner="studio")),),
        keep_alive=KeepAliveSettings(
            timedelta(days=30), 20, (VoiceRule(tag=TagFilter("production", None)),)
        ),
        schedule=ScheduleSettings("17 */6 * * *"),
        retiring=(Retiring("qwen3-tts-vd-realtime-2025-12-16", date(2027, 3, 1)),),
        prune=PruneSettings(timedelta(days=730)),
        metrics=MetricsSettings(9464, textfile=Path("/var/lib/node_exporter/voicereg.prom")),
    )


def test_what_holds_where_nothing_is_set() -> None:
    settings = Settings()

    assert settings.warn == WarnSettings((60, 30, 14, 7, 3, 1), Language.ENGLISH)
    assert settings.channels == ()
    assert settings.keep_alive == KeepAliveSettings(timedelta(days=30), 20, ())
    assert settings.schedule == ScheduleSettings("17 */6 * * *")
    assert settings.retiring == ()
    assert settings.prune == PruneSettings(timedelta(days=730))
    assert settings.metrics == MetricsSettings(port=None, textfile=None)


@pytest.mark.parametrize(
    "content",
    [
        "channel = []\nretiring = []",
        "[warn]\n[keep_alive]\n[schedule]\n[prune]\n[metrics]\n[log]",
        "[keep_alive]\nrules = []",
    ],
)
def test_empty_sections_change_nothing(write: Write, content: str) -> None:
    assert loaded(write(content)) == Settings()


def test_all_that_is_wrong_is_told_at_once(write: Write) -> None:
    path = write(
        """
        acount = "studio"
        base_url = 1
        [create]
        mark_names = "no"
        [[channel]]
        name = "mail"
        ulr = "mailto://user:tr0ub4dor@host"
        [[channel]]
        ownr = "studio"
        name = "chat"
        url = "slack://a"
        [keep_alive]
        rules = [{ owner = "studio" }, { familly = "cosyvoice", tag = "a" }]
        """
    )

    problems = {problem.where.removeprefix(f"{path}: "): problem.rule for problem in refused(path)}

    unknown = "there is no such setting"
    assert problems == {
        "acount": unknown,
        "base_url": "it must be a text",
        "create.mark_names": "it must be true or false",
        "channel[1].url": "it must be set",
        "channel[1].ulr": unknown,
        "channel[2].ownr": unknown,
        "keep_alive.rules[2].familly": unknown,
    }


def test_a_mistake_is_told_in_one_sentence_with_its_place(write: Write) -> None:
    path = write("[[channel]]\nname = 'a'\nurl = 'b'\n[[channel]]\nname = 'c'\nurl = 'd'\nownr = 1")

    (problem,) = refused(path)

    assert str(problem) == f"{path}: channel[2].ownr: there is no such setting"


@pytest.mark.parametrize(
    "section", ["warn", "keep_alive", "schedule", "prune", "metrics", "log", "retiring", "channel"]
)
def test_an_unknown_key_of_each_section_is_named(write: Write, section: str) -> None:
    required = {
        "channel": "name = 'a'\nurl = 'b'\n",
        "retiring": "model = 'a'\non = 2027-03-01\n",
    }
    is_array = section in required
    header = f"[[{section}]]" if is_array else f"[{section}]"
    path = write(f"{header}\n{required.get(section, '')}colour = 'red'")

    (problem,) = refused(path)

    place = f"{section}[1]" if is_array else section
    assert (problem.where, problem.value) == (f"{path}: {place}.colour", "")
    assert problem.rule == "there is no such setting"


@pytest.mark.parametrize("name", voicereg.settings.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert hasattr(voicereg.settings, name)


def test_the_settings_can_be_given_to_another_process(write: Write) -> None:
    settings = loaded(write(DESIGNED))

    assert pickle.loads(pickle.dumps(settings)) == settings
