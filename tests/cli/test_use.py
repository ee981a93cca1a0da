"""``voicereg use``: uses made elsewhere, one by one or from a log, and what shows of them."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.conftest import Cli
from tests.cli.support import (
    add_voices,
    assert_nothing_raw,
    assert_refused,
    assert_usage_error,
    execute,
    finished,
    plain,
    spawn,
)
from tests.cli.terminal import on_terminal

NOW = datetime.now(UTC)


def ago(**before: float) -> str:
    return (NOW - timedelta(**before)).isoformat()


@pytest.fixture
def used(cli: Cli) -> Cli:
    add_voices(cli.database, "narrator", "announcer")
    execute(cli.database, "UPDATE voices SET created_at = '2020-01-01 00:00:00.000000+00:00'")
    return cli


def test_one_and_many(cli_on_each: Cli) -> None:
    add_voices(cli_on_each.database, "narrator", "announcer")
    one = cli_on_each.done("use", "v-0000000", "--source", "radio", "--json").json()
    assert (one["id"], one["last_used_source"], one["deadline_basis"]) == (
        "voice0000000",
        "radio",
        "used",
    )
    both = cli_on_each.done("use", "v-0000000", "v-0000001", "--count", "4", "--json").json()
    assert [voice["id"] for voice in both] == ["voice0000000", "voice0000001"]
    shown = cli_on_each.done("show", "v-0000000", "--json").json()
    assert sorted((use["source"] == "radio", use["uses"]) for use in shown["daily_uses"]) == [
        (False, 4),
        (True, 1),
    ]
    assert list(shown["daily_uses"][0]) == ["day", "source", "uses"]


def test_at_a_time(used: Cli) -> None:
    at = (NOW - timedelta(days=3)).replace(microsecond=0)
    voice = used.done("use", "voice0000000", "--at", at.isoformat(), "--json").json()
    assert voice["last_used_at"] == f"{at:%Y-%m-%dT%H:%M:%SZ}"
    local = f"{at.astimezone():%Y-%m-%dT%H:%M:%S}"
    again = used.done("use", "voice0000001", "--at", local, "--json").json()
    assert again["last_used_at"] == voice["last_used_at"]
    earlier = used.done("use", "voice0000000", "--at", ago(days=9), "--json").json()
    assert earlier["last_used_at"] == voice["last_used_at"]


def test_a_correction_is_told_in_the_audit_log(used: Cli) -> None:
    used.done("use", "voice0000000")
    result = used.done("use", "voice0000000", "--correct", "--at", ago(days=30), "--json").json()
    assert result["last_used_at"] < ago(days=29)
    (event,) = used.done("events", "--json").json()
    assert (event["action"], event["voice"]) == ("voice.use.correct", "voice0000000")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("v", "--from", "log"),
        ("--from", "log", "--at", "2026-01-01T00:00:00Z"),
        ("--from", "log", "--count", "2"),
        ("--from", "log", "--correct"),
        ("v", "--dedupe"),
        ("v", "--correct"),
    ],
)
def test_words_that_do_not_go_together(used: Cli, words: tuple[str, ...]) -> None:
    assert_usage_error(used("use", *words))


def test_what_is_refused_changes_nothing(used: Cli) -> None:
    before = used.content()
    assert_refused(used("use", "nobody"), 4, "nobody")
    assert_refused(used("use", "voice0000000", "nobody"), 4)
    assert_refused(used("use", "voice0000000", "--at", "2999-01-01T00:00:00Z"), 2, "future")
    assert_refused(used("use", "voice0000000", "--source", "a\nb"), 2, "source")
    assert_refused(used("use", "--from", "not-there"), 2, "not-there")
    assert_usage_error(used("use", "voice0000000", "--at", "yesterday"), "yesterday")
    assert_usage_error(used("use", "voice0000000", "--count", "0"))
    assert used.content() == before


def test_from_a_log(used: Cli) -> None:
    line = json.dumps({"voice_id": "v-0000000", "at": ago(days=1)})
    unknown = json.dumps({"voice_id": "unknown", "at": ago(days=1), "count": 3})
    Path("log").write_text(f"{line}\nspoilt\n{unknown}\n")
    result = used("use", "--from", "log", "--dedupe", "--source", "radio", "--json")
    assert result.code == 1
    told = result.json()
    assert (told["lines"], told["uses"], told["voices"], told["bad_lines"]) == (3, 4, 2, 1)
    assert told["unclaimed"] == {"unknown": 3}
    assert told["problems"] == [{"line": 2, "why": "it is no JSON"}]
    assert "line 2 was passed over: it is no JSON" in result.err
    again = used.done("use", "--from", "log", "--dedupe", "--json").json()
    assert (again["uses"], again["skipped_bytes"]) == (0, Path("log").stat().st_size)


def test_many_bad_lines_are_told_in_short(used: Cli) -> None:
    line = json.dumps({"voice_id": "v-0000000", "at": ago(days=1)})
    Path("log").write_text(f"{line}\n" + "\x1b[2J\n" * 25)
    result = used("use", "--from", "log")

    assert result.code == 1
    assert result.out == ""
    assert result.err.count("was passed over") == 20
    assert "and 5 lines more were passed over" in result.err
    assert_nothing_raw(result.err)


def test_from_stdin(used: Cli) -> None:
    process = spawn("use", "--from", "-", "--json", stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(f"voice_id,at\nv-0000000,{ago(days=1)}\n")
    done = finished(process)
    assert (done.code, done.json()["uses"]) == (0, 1)

    process = spawn("use", "--from", "-", "--dedupe", stdin=subprocess.PIPE)
    assert_refused(finished(process), 2, "pipe")


def test_neither_format(used: Cli) -> None:
    Path("log").write_bytes(b"\x00\xff")
    assert_refused(used("use", "--from", "log"), 2, "neither JSON lines nor a CSV")


def test_a_bar_on_a_terminal(used: Cli) -> None:
    Path("red[red]\x1b[2J.log").write_text(
        json.dumps({"voice_id": "v-0000000", "at": ago(days=1)}) + "\n"
    )
    shown = on_terminal("use", "--from", "red[red]\x1b[2J.log")

    assert shown.code == 0
    assert "\x1b[2J" not in shown.out
    assert "1 use of 1 voice" in plain(shown.out)


def test_the_idle_are_found_and_sorted(used: Cli) -> None:
    used.done("use", "voice0000000", "--at", ago(days=10))
    used.done("use", "voice0000001", "--at", ago(days=50))

    def listed(*words: str) -> list[str]:
        return [voice["id"][-1] for voice in used.done("list", *words, "--json").json()]

    assert listed("--sort", "used") == ["1", "0"]
    assert listed("--unused-for", "20") == ["1"]
    assert listed("--unused-for", "60") == []
    assert listed("--unused-for", "5") == ["0", "1"]


def test_the_chart_fits_80_columns(used: Cli) -> None:
    sources = ["电台一二三四五六七八", "radio", "x" * 100, "a[red]b", "🎙🎙", "e", "f", "g"]
    lines = [
        {"voice_id": "v-0000000", "at": ago(days=40 * n), "count": 10**6 - n, "source": source}
        for n, source in enumerate(sources)
    ]
    Path("log").write_text("".join(json.dumps(line) + "\n" for line in lines))
    used.done("use", "--from", "log")
    execute(
        used.database,
        "UPDATE voice_uses SET source = :s WHERE source = 'e'",
        {"s": "\x1b[2J\u202ee\n"},
    )
    shown = on_terminal("show", "voice0000000")

    assert shown.code == 0
    assert_nothing_raw(shown.out, colours=True)
    out = plain(shown.out).splitlines()
    (start,) = [number for number, line in enumerate(out) if "a column for each week" in line]
    chart = out[start + 1 :]
    assert out[start].startswith("7,999,972 uses from")
    assert len(chart) == 7
    assert "2 others" in chart[-1]
    assert max(cell_len(line) for line in out) <= 80
    assert {cell_len(line.rsplit(" ", 1)[0]) for line in chart} == {2 + 14 + 1 + 52}
    assert chart[0].rsplit(" ", 2)[1][-1] == "█", "the first source was used today"


def test_without_uses_there_is_no_chart(used: Cli) -> None:
    assert "each week" not in on_terminal("show", "voice0000000").out
    assert ["uses_in_the_last_year", "0"] in used.done("show", "voice0000000").rows()
    assert used.done("show", "voice0000000", "--json").json()["daily_uses"] == []


def test_a_use_of_tomorrow_is_in_the_chart() -> None:
    """Within the tolerance of clocks, and just before midnight."""
    from voicereg.cli.output.charts import uses_chart
    from voicereg.domain.uses import DailyUses

    day = NOW.date()
    chart = uses_chart([DailyUses(day + timedelta(days=1), "s", 3)], day)
    assert chart[1].endswith("█ 3")


def test_a_use_before_the_creation_is_not_said_to_be_what_counts(cli: Cli) -> None:
    voice = cli.created()
    cli.done("use", voice, "--at", "2020-01-01T00:00Z")

    shown = cli.done("show", voice).out

    assert "counted from its creation; the last known use is told to be before it" in shown
