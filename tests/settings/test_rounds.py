"""What rounds of housekeeping keep alive, announce, prune and report, and when they begin."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from voicereg.domain.families import Family
from voicereg.domain.routes import TagFilter, VoiceRule
from voicereg.settings import KeepAliveSettings, Retiring

from .conftest import Write, loaded, refused


def test_voices_to_keep_alive(write: Write) -> None:
    path = write(
        """
        [keep_alive]
        within = "14d"
        daily_limit = 0
        rules = [
            { tag = "production" },
            { tag = "line=a", owner = "studio", family = "cosyvoice", account = "b", model = "m" },
        ]
        """
    )

    assert loaded(path).keep_alive == KeepAliveSettings(
        within=timedelta(days=14),
        daily_limit=0,
        rules=(
            VoiceRule(tag=TagFilter("production", None)),
            VoiceRule("studio", TagFilter("line", "a"), Family.COSYVOICE, "b", "m"),
        ),
    )


def test_rules_may_be_tables_of_their_own(write: Write) -> None:
    path = write("[[keep_alive.rules]]\nowner = 'a'\n[[keep_alive.rules]]\nmodel = 'm'")

    assert loaded(path).keep_alive.rules == (VoiceRule(owner="a"), VoiceRule(model="m"))


def test_a_rule_of_every_voice_is_refused(write: Write) -> None:
    path = write("[keep_alive]\nrules = [{ tag = 'a' }, {}]")

    (problem,) = refused(path)

    assert problem.where == f"{path}: keep_alive.rules[2]"
    assert "an empty rule would mean every voice" in problem.rule


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("family", "'qwen'"),
        ("tag", "''"),
        ("owner", "''"),
        ("model", "7"),
        ("account", "' '"),
        ("language", "'en'"),
        ("pinned", "true"),
    ],
)
def test_a_rule_that_does_not_fit_is_named(write: Write, key: str, value: str) -> None:
    path = write(f"[keep_alive]\nrules = [{{ tag = 'a' }}, {{ {key} = {value} }}]")

    (problem,) = refused(path)

    assert problem.where == f"{path}: keep_alive.rules[2].{key}"


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        ("'production'", ""),
        ("{ tag = 'a' }", ""),
        ("['production']", "[1]"),
        ("[{tag='a'},1]", "[2]"),
    ],
)
def test_rules_are_a_list_of_tables(write: Write, rules: str, place: str) -> None:
    path = write(f"[keep_alive]\nrules = {rules}")

    (problem,) = refused(path)

    assert problem.where == f"{path}: keep_alive.rules{place}"
    assert 'a list of tables such as [{ tag = "production" }]' in problem.rule


@pytest.mark.parametrize(
    ("section", "key", "value", "lasts"),
    [
        ("keep_alive", "within", "24h", timedelta(days=1)),
        ("keep_alive", "within", "364d", timedelta(days=364)),
        ("prune", "after", "1d", timedelta(days=1)),
        ("prune", "after", "730d", timedelta(days=730)),
        ("prune", "after", "36500d", timedelta(days=36_500)),
    ],
)
def test_durations_up_to_their_bounds(
    write: Write, section: str, key: str, value: str, lasts: timedelta
) -> None:
    settings = loaded(write(f"[{section}]\n{key} = '{value}'"))

    assert getattr(getattr(settings, section), key) == lasts


@pytest.mark.parametrize(
    ("section", "key", "value", "rule"),
    [
        ("keep_alive", "within", "'23h'", 'it must be from "1d" to "364d"'),
        ("keep_alive", "within", "'365d'", 'it must be from "1d" to "364d"'),
        ("keep_alive", "within", "30", 'it must be a duration such as "15m"'),
        ("keep_alive", "daily_limit", "-1", "it must be a whole number from 0 to 1000"),
        ("keep_alive", "daily_limit", "1001", "it must be a whole number from 0 to 1000"),
        ("keep_alive", "daily_limit", "true", "it must be a whole number from 0 to 1000"),
        ("keep_alive", "daily_limit", "20.0", "it must be a whole number from 0 to 1000"),
        ("keep_alive", "daily_limit", "'20'", "it must be a whole number from 0 to 1000"),
        ("prune", "after", "'23h'", 'it must be from "1d" to "36500d"'),
        ("prune", "after", "'999999d'", 'it must be from "1d" to "36500d"'),
        ("prune", "after", "730", 'it must be a duration such as "15m"'),
        ("metrics", "port", "0", "it must be a whole number from 1 to 65535"),
        ("metrics", "port", "65536", "it must be a whole number from 1 to 65535"),
        ("metrics", "port", "true", "it must be a whole number from 1 to 65535"),
        ("metrics", "port", "'9464'", "it must be a whole number from 1 to 65535"),
        ("metrics", "textfile", "1", "it must be a text"),
        ("metrics", "textfile", "''", "it must not be empty"),
        ("metrics", "textfile", '"/a\\u0000"', "it holds a NUL character"),
        ("metrics", "textfile", "'~no-such-user-here/a'", "home directory"),
    ],
)
def test_what_is_out_of_bounds_is_named(
    write: Write, section: str, key: str, value: str, rule: str
) -> None:
    path = write(f"[{section}]\n{key} = {value}")

    (problem,) = refused(path)

    assert problem.where == f"{path}: {section}.{key}"
    assert rule in problem.rule


@pytest.mark.parametrize("port", [1, 65_535])
def test_ports_up_to_their_bounds(write: Write, port: int) -> None:
    metrics = loaded(write(f"[metrics]\nport = {port}")).metrics

    assert (metrics.port, metrics.textfile) == (port, None)


@pytest.mark.parametrize(
    ("text", "below_home"), [("/srv/a.prom", False), ("~/a.prom", True), ("a.prom", False)]
)
def test_a_tilde_is_the_home_directory(
    write: Write, home: Path, text: str, below_home: bool
) -> None:
    textfile = loaded(write(f"[metrics]\ntextfile = '{text}'")).metrics.textfile

    assert textfile == (home / "a.prom" if below_home else Path(text))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("0 3 * * *", "0 3 * * *"),
        ("  0   3 *  * * ", "0 3 * * *"),
        ("5,35 8-18/2 1 jan-jun MON-FRI", "5,35 8-18/2 1 jan-jun MON-FRI"),
    ],
)
def test_a_round_begins_by_a_cron_expression(write: Write, text: str, kept: str) -> None:
    assert loaded(write(f"[schedule]\nround = '{text}'")).schedule.round == kept


@pytest.mark.parametrize(
    "text", ["''", "'* * * *'", "'* * * * * *'", "'@daily'", "'6h'", "'0 3 * * ;'", "'0 3 * * 周'"]
)
def test_anything_else_is_no_cron_expression(write: Write, text: str) -> None:
    path = write(f"[schedule]\nround = {text}")

    (problem,) = refused(path)

    assert problem.where == f"{path}: schedule.round"
    assert "five fields" in problem.rule


@pytest.mark.parametrize("value", ["2027-03-01", "'2027-03-01'"])
def test_a_model_retires_on_a_date(write: Write, value: str) -> None:
    path = write(f"[[retiring]]\nmodel = 'm'\non = {value}")

    assert loaded(path).retiring == (Retiring("m", date(2027, 3, 1)),)


@pytest.mark.parametrize(
    "value",
    ["2027-03-01T00:00:00Z", "2027-03-01T00:00:00", "12:00:00", "'March'", "20270301", "''"],
)
def test_anything_else_is_no_date(write: Write, value: str) -> None:
    path = write(f"[[retiring]]\nmodel = 'm'\non = {value}")

    (problem,) = refused(path)

    assert (problem.where, problem.rule) == (
        f"{path}: retiring[1].on",
        "it must be a date such as 2027-03-01",
    )


@pytest.mark.parametrize(
    ("given", "missing"), [("model = 'm'", "on"), ("on = 2027-03-01", "model")]
)
def test_a_retiring_model_has_its_name_and_date(write: Write, given: str, missing: str) -> None:
    path = write(f"[[retiring]]\n{given}")

    (problem,) = refused(path)

    assert (problem.where, problem.rule) == (f"{path}: retiring[1].{missing}", "it must be set")


def test_a_model_retires_once(write: Write) -> None:
    path = write("".join(f"[[retiring]]\nmodel = 'm'\non = 2027-03-0{day}\n" for day in (1, 2)))

    (problem,) = refused(path)

    assert (problem.where, problem.value) == (f"{path}: retiring[2].model", "m")
    assert problem.rule == "this model is there twice"


def test_a_single_retiring_table_is_told_how_to_be_an_array(write: Write) -> None:
    path = write("[retiring]\nmodel = 'm'")

    (problem,) = refused(path)

    assert problem.where == f"{path}: retiring"
    assert problem.rule == "it must be written [[retiring]], once for each model"
