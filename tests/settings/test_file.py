"""The settings file: what it may hold, and what is said of what it may not."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest

from voicereg import InvalidInput
from voicereg.settings import CreateSettings, load

from .conftest import Write, refused

DURATIONS = [
    known.name
    for known in fields(CreateSettings)
    if isinstance(getattr(CreateSettings(), known.name), timedelta)
]
LONG_ENOUGH = 'settle_after = "365d"\n'


def test_a_file_with_everything_that_there_is(write: Write) -> None:
    settings = load(
        config=write(
            """
            database = "voices.db"
            account = "工作室"
            base_url = "https://example.com/api/v1"
            [create]
            settle_after = "1h"
            connect_timeout = "5s"
            write_timeout = "6s"
            read_timeout = "2m"
            pool_timeout = "7s"
            review_wait = "3m"
            [quota]
            warning = 0.5
            critical = 1
            """
        ),
        environment={},
    )
    assert settings.database == "voices.db"
    assert settings.account == "工作室"
    assert settings.base_url == "https://example.com/api/v1"
    assert settings.create == CreateSettings(
        settle_after=timedelta(hours=1),
        connect_timeout=timedelta(seconds=5),
        write_timeout=timedelta(seconds=6),
        read_timeout=timedelta(minutes=2),
        pool_timeout=timedelta(seconds=7),
        review_wait=timedelta(minutes=3),
    )
    assert (settings.quota.warning, settings.quota.critical) == (0.5, 1.0)


@pytest.mark.parametrize("content", ["", "# nothing\n", "[create]\n", "[quota]\n[create]\n"])
def test_a_file_with_nothing_in_it_changes_nothing(write: Write, content: str) -> None:
    assert load(config=write(content), environment={}) == load(environment={})


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ("databse = 'x.db'", ["databse"]),
        ("a = 1\nb = 2", ["a", "b"]),
        ("[warning]\nmarks = [60]", ["warning"]),
        ("[[channels]]\nname = 'mail'", ["channels"]),
        ("[metric]\nport = 9464", ["metric"]),
        ("[create]\nsettle = '15m'", ["create.settle"]),
        ("[create]\nmark_name = false", ["create.mark_name"]),
        ("[create]\none = 1\ntwo = 2", ["create.one", "create.two"]),
        ("[quota]\nwarn = 0.5", ["quota.warn"]),
        ("[quota.warning]\nshare = 0.5", ["quota.warning"]),
        ("Account = 'x'", ["Account"]),
    ],
)
def test_what_is_not_known_is_refused_by_name(
    write: Write, content: str, places: list[str]
) -> None:
    path = write(content)
    assert [problem.where for problem in refused(path)] == [f"{path}: {key}" for key in places]


@pytest.mark.parametrize("content", ["warning = 1", "[create]\nwarn = 1", "[quota]\nwarn = 1"])
def test_what_is_not_known_is_said_to_be_that(write: Write, content: str) -> None:
    assert [problem.rule for problem in refused(write(content))] == ["there is no such setting"]


@pytest.mark.parametrize("key", ["database", "account", "base_url"])
@pytest.mark.parametrize("value", ["1", "1.5", "true", "[]", "['a']", "{ a = 1 }", "2027-03-01"])
def test_a_text_must_be_a_text(write: Write, key: str, value: str) -> None:
    path = write(f"{key} = {value}")
    (problem,) = refused(path)
    assert (problem.where, problem.rule) == (f"{path}: {key}", "it must be a text")


@pytest.mark.parametrize(
    "name", ["create", "quota", "warn", "keep_alive", "schedule", "prune", "metrics"]
)
@pytest.mark.parametrize("value", ["1", "'a'", "[]", "[{ a = 1 }]", "false"])
def test_a_section_must_be_a_table(write: Write, name: str, value: str) -> None:
    path = write(f"{name} = {value}")
    (problem,) = refused(path)
    assert (problem.where, problem.rule) == (f"{path}: {name}", f"it must be a table [{name}]")


@pytest.mark.parametrize("key", DURATIONS)
@pytest.mark.parametrize(
    ("value", "lasts"),
    [
        ("900s", timedelta(minutes=15)),
        ("15m", timedelta(minutes=15)),
        ("15 m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("2d", timedelta(days=2)),
        ("500s", timedelta(seconds=500)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(
    write: Write, key: str, value: str, lasts: timedelta
) -> None:
    others = "" if key == "settle_after" else LONG_ENOUGH
    create = load(config=write(f'[create]\n{others}{key} = "{value}"'), environment={}).create
    assert getattr(create, key) == lasts


BAD_DURATIONS = ["", "15", "m", "15 minutes", "-15m", "1.5h", "15M", "15m30s", "0s", "000m", "15m "]


@pytest.mark.parametrize("key", DURATIONS)
@pytest.mark.parametrize(
    "value", [f"'{text}'" for text in BAD_DURATIONS] + ["900", "1.5", "true", "[]", "12:00:00"]
)
def test_anything_else_is_no_duration(write: Write, key: str, value: str) -> None:
    path = write(f"[create]\n{key} = {value}")
    (problem,) = refused(path)
    assert problem.where == f"{path}: create.{key}"
    assert '"15m"' in problem.rule


@pytest.mark.parametrize("value", [text for text in BAD_DURATIONS if text])
def test_a_bad_duration_in_the_environment_names_the_variable(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(environment={"VOICEREG_SETTLE_AFTER": value})
    (problem,) = caught.value.problems
    assert (problem.where, problem.value) == ("VOICEREG_SETTLE_AFTER", value)


TIMEOUTS = (
    "connect_timeout = '1s'\nwrite_timeout = '2s'\nread_timeout = '3s'\npool_timeout = '4s'\n"
)


@pytest.mark.parametrize(
    ("settle_after", "others", "longest"),
    [("463s", "", 462), ("61s", TIMEOUTS, 60), ("1999d", "read_timeout = '999d'\n", None)],
)
def test_settle_after_may_be_just_longer_than_a_create(
    write: Write, settle_after: str, others: str, longest: int | None
) -> None:
    path = write(f"[create]\n{others}settle_after = '{settle_after}'")
    assert load(config=path, environment={}).create.settle_after.total_seconds() > (longest or 0)


@pytest.mark.parametrize(
    ("settle_after", "others", "longest"),
    [
        ("1s", "", "462s"),
        ("462s", "", "462s"),
        ("60s", TIMEOUTS, "60s"),
        ("15m", "read_timeout = '15m'\n", "2022s"),
        ("15m", "connect_timeout = '15m'\n", "4022s"),
        ("15m", "write_timeout = '15m'\n", "1332s"),
        ("15m", "pool_timeout = '15m'\n", "3942s"),
    ],
)
def test_settle_after_may_not_be_shorter_than_a_create_can_last(
    write: Write, settle_after: str, others: str, longest: str
) -> None:
    (problem,) = refused(write(f"[create]\n{others}settle_after = '{settle_after}'"))
    assert problem.where == "create.settle_after"
    assert longest in problem.rule


def test_a_variable_too_short_for_the_timeouts_of_the_file_is_refused(write: Write) -> None:
    path = write("[create]\nsettle_after = '3h'\nread_timeout = '1h'")
    assert load(config=path, environment={}).create.settle_after == timedelta(hours=3)
    with pytest.raises(InvalidInput, match="7422s"):
        load(config=path, environment={"VOICEREG_SETTLE_AFTER": "1h"})


@pytest.mark.parametrize("key", ["warning", "critical"])
@pytest.mark.parametrize(
    "value",
    ["0", "0.0", "-0.1", "1.01", "80", "nan", "inf", "-inf", "true", "'0.8'", "'80 %'", "[]"],
)
def test_a_share_is_above_0_and_at_most_1(write: Write, key: str, value: str) -> None:
    path = write(f"[quota]\n{key} = {value}")
    (problem,) = refused(path)
    assert problem.where == f"{path}: quota.{key}"
    assert "between 0 and 1" in problem.rule


@pytest.mark.parametrize(
    ("warning", "critical"), [(0.01, 0.02), (0.95, 0.95), (1, 1), (0.5, 1), (1.0, 1.0)]
)
def test_the_thresholds_may_meet(write: Write, warning: float, critical: float) -> None:
    quota = load(
        config=write(f"[quota]\nwarning = {warning}\ncritical = {critical}"), environment={}
    ).quota
    assert (quota.warning, quota.critical) == (warning, critical)


@pytest.mark.parametrize(
    "content", ["warning = 0.96", "critical = 0.79", "warning = 0.6\ncritical = 0.5"]
)
def test_the_thresholds_may_not_cross(write: Write, content: str) -> None:
    (problem,) = refused(write(f"[quota]\n{content}"))
    assert problem.where == "quota.warning"
    assert "quota.critical" in problem.rule


@pytest.mark.parametrize(
    "content",
    ["database", "database = ", "database = 'a", "[create", "a = 1\na = 2", "a = 01", "{}"],
)
def test_what_is_not_toml_is_refused_with_its_file(write: Write, content: str) -> None:
    path = write(content)
    (problem,) = refused(path)
    assert (problem.where, problem.value) == ("config", str(path))
    assert problem.rule.startswith("it is not TOML: ")


def test_what_is_not_text_is_refused_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "latin1.toml"
    path.write_bytes(b'account = "caf\xe9"\n')
    (problem,) = refused(path)
    assert problem.value == str(path)
    assert problem.rule.startswith("it is not TOML: ")


def test_a_directory_is_no_settings_file(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path)
    assert (problem.where, problem.value) == ("config", str(tmp_path))


def test_names_are_marked_where_the_file_says_so(write: Write) -> None:
    assert not load(config=write("[create]"), environment={}).create.mark_names
    assert load(config=write("[create]\nmark_names = true"), environment={}).create.mark_names


@pytest.mark.parametrize("value", ['"true"', "1", "0", '"15m"', "[]", "{}"])
def test_anything_else_is_no_yes_or_no(write: Write, value: str) -> None:
    with pytest.raises(InvalidInput, match=r"create\.mark_names: it must be true or false"):
        load(config=write(f"[create]\nmark_names = {value}"), environment={})
