"""``voicereg housekeeping start`` and ``status``, and log lines for machines."""

from __future__ import annotations

import json
import logging
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import (
    UTC_TIME,
    assert_nothing_raw,
    assert_refused,
    assert_usage_error,
    execute,
    finished,
    spawn,
)
from tests.cli.test_output_safety import TEXTS
from tests.engine.waiting import LONG
from voicereg import Registry
from voicereg.cli.output.logs import log_to_stderr
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.rounds import LEADER_LEASE, ROUND_LEASE
from voicereg.scheduler.status import STATUS_KEYS

SECRET = "tr0ub4dor"
HOSTILE = "a\u202e\u200bb"
Configure = Callable[[str], None]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Writes the settings file."""
    path = tmp_path / "config.toml"
    monkeypatch.setenv("VOICEREG_CONFIG", str(path))

    def write(content: str) -> None:
        path.write_text(content, encoding="utf-8")

    write("")
    return write


def put_back(cli: Cli, by: timedelta) -> None:
    """All that is on record of rounds happened so much earlier."""
    for table, columns in (("rounds", ("started_at", "finished_at")),):
        for column in columns:
            at = (datetime.now(UTC) - by).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")
            execute(cli.database, f"UPDATE {table} SET {column} = :at", {"at": at})


# --- status -------------------------------------------------------------------------------------


def test_the_json_has_every_key_before_any_round(cli_on_each: Cli) -> None:
    status = cli_on_each.done("housekeeping", "status", "--json").json()

    assert tuple(status) == STATUS_KEYS
    assert UTC_TIME.fullmatch(status.pop("next_due_at"))
    assert status == {
        "ok": True,
        "last_good": None,
        "age_seconds": None,
        "last": None,
        "under_way": None,
        "leader": None,
        "steps": [],
    }


def test_the_json_after_rounds(cli_on_each: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli_on_each.done("housekeeping", "run")
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, "wrong")
    assert cli_on_each("housekeeping", "run").code == 5

    status = cli_on_each.done("housekeeping", "status", "--json").json()

    assert tuple(status) == STATUS_KEYS
    good, last = status["last_good"], status["last"]
    assert set(good) == {"id", "holder", "due_at", "missed", "started_at", "finished_at", "ok"}
    assert (good["ok"], last["ok"]) == (True, False)
    assert good["id"] < last["id"]
    assert good["due_at"] is None
    assert all(UTC_TIME.fullmatch(good[name]) for name in ("started_at", "finished_at"))
    assert 0 <= status["age_seconds"] <= LONG
    steps = {step["name"]: step for step in status["steps"]}
    assert set(steps) == {"sync", "settle", "keep_alive", "warn", "deliver", "prune"}
    assert set(steps["sync"]) == {"name", "account", "tried_at", "good_at", "error"}
    assert steps["sync"]["error"]
    assert steps["sync"]["good_at"] < steps["sync"]["tried_at"]
    assert (steps["prune"]["account"], steps["prune"]["error"]) == (None, None)


def test_who_leads_and_who_works(cli_on_each: Cli) -> None:
    with Registry.open(cli_on_each.database, actor="eve\x1b[2J") as other:
        other.leases.take(LEADER_LEASE, timedelta(minutes=1))
        other.leases.take(ROUND_LEASE, timedelta(minutes=1))
        other.rounds.begin(due_at=datetime.now(UTC), missed=2)

        status = cli_on_each.done("housekeeping", "status", "--json").json()
        table = cli_on_each.done("housekeeping", "status")

        for name in ("leader", "under_way"):
            assert set(status[name]) == {"holder", "since"}
            assert status[name]["holder"].startswith("eve")
    assert (status["last"]["finished_at"], status["last"]["missed"]) == (None, 2)
    assert_nothing_raw(table.out + table.err)
    fields = dict(row for row in table.rows() if len(row) == 2)
    assert "(not ended), for 3 that were due, eve" in fields["last round"]
    assert fields["leader"].startswith("eve\\e[2J")


def test_people_get_a_table(cli_on_each: Cli) -> None:
    before = cli_on_each.done("housekeeping", "status")
    fields = dict(row for row in before.rows() if len(row) == 2)
    assert (fields["last good round"], fields["leader"]) == ("none yet", "no scheduler runs")
    assert before.err == "no step was run yet: voicereg housekeeping run\n"

    cli_on_each.done("housekeeping", "run")
    after = cli_on_each.done("housekeeping", "status")

    fields = dict(row for row in after.rows() if len(row) == 2)
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d, ", fields["last good round"])
    assert fields["last good round"] == fields["last round"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", fields["next due"])
    header, *steps = [row for row in after.rows() if len(row) != 2]
    assert header[:4] == ["STEP", "ACCOUNT", "LAST", "LAST GOOD"]
    assert {row[2] for row in steps} == {"ok"}
    assert after.err == ""


def test_what_is_overdue_is_said(cli_on_each: Cli) -> None:
    with Registry.open(cli_on_each.database) as registry:
        number = registry.rounds.begin(due_at=datetime.now(UTC) - timedelta(days=1))
        registry.rounds.finish(number, ok=True)

    result = cli_on_each.done("housekeeping", "status")
    status = cli_on_each.done("housekeeping", "status", "--json").json()

    fields = dict(row for row in result.rows() if len(row) == 2)
    assert fields["next due"].endswith(" (overdue)")
    assert datetime.fromisoformat(status["next_due_at"]) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("old", "asked", "code"),
    [
        (timedelta(hours=25), "26h", 0),
        (timedelta(hours=27), "26h", 1),
        (timedelta(days=3), "4d", 0),
        (timedelta(days=3), "2d", 1),
        (timedelta(days=-300), "2d", 1),
    ],
)
def test_a_check_fails_on_a_round_that_is_too_old(
    cli: Cli, old: timedelta, asked: str, code: int
) -> None:
    """One that ended in the future is as bad: some clock is, or was, wrong."""
    cli.done("housekeeping", "run")
    put_back(cli, old)

    table = cli("housekeeping", "status", "--max-age", asked)
    document = cli("housekeeping", "status", "--max-age", asked, "--json")

    assert (table.code, document.code) == (code, code)
    assert document.json()["ok"] is (code == 0)
    too_old = "the last good round is older than asked for, or there was none\n"
    assert table.err == ("" if code == 0 else too_old)
    assert cli.done("housekeeping", "status", "--json").json()["ok"] is True


def test_a_bad_round_is_no_sign_of_life(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, "wrong")
    assert cli("housekeeping", "run").code == 5

    assert cli("housekeeping", "status", "--max-age", "1d").code == 1


def test_a_check_fails_before_any_round(cli_on_each: Cli) -> None:
    result = cli_on_each("housekeeping", "status", "--max-age", "26h", "--json")

    assert result.code == 1
    assert result.json()["ok"] is False


@pytest.mark.parametrize("duration", ["26", "h", "-1h", "0h", "1.5h", "26 hours", "", "1w"])
def test_a_duration_that_is_none(cli: Cli, duration: str) -> None:
    assert_usage_error(cli("housekeeping", "status", "--max-age", duration), "--max-age", "15m")


@pytest.mark.parametrize("command", ["status", "start"])
def test_a_schedule_that_never_comes(cli: Cli, configure: Configure, command: str) -> None:
    configure('[schedule]\nround = "0 0 30 2 *"')

    assert_refused(cli("housekeeping", command), 2, "schedule.round", "no such time ever comes")


def test_a_status_changes_nothing(cli_on_each: Cli) -> None:
    cli_on_each.done("housekeeping", "run")
    before = cli_on_each.content()

    cli_on_each.done("housekeeping", "status")
    cli_on_each("housekeeping", "status", "--max-age", "1h", "--json")

    assert cli_on_each.content() == before


# --- log lines ----------------------------------------------------------------------------------


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """What was logged as JSON, one object a line."""

    def read() -> list[dict[str, Any]]:
        err = capsys.readouterr().err
        assert_nothing_raw(err)
        assert err.endswith("\n")
        return [json.loads(line) for line in err.split("\n")[:-1]]

    log_to_stderr(logging.INFO, as_json=True)
    return read


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_log_line_is_one_object_whatever_it_holds(
    log: Callable[[], list[dict[str, Any]]], text: str
) -> None:
    logging.getLogger("voicereg.some.part").warning("of %s: %s", text, "\u2028\u2066")

    (line,) = log()

    assert set(line) == {"at", "level", "logger", "message"}
    assert UTC_TIME.fullmatch(line["at"])
    assert (line["level"], line["logger"]) == ("warning", "voicereg.some.part")
    assert line["message"] == f"of {text}: \u2028\u2066"


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_traceback_is_in_the_object(log: Callable[[], list[dict[str, Any]]], text: str) -> None:
    try:
        raise RuntimeError(text)
    except RuntimeError:
        logging.getLogger("voicereg").exception("it failed")

    (line,) = log()

    assert line["message"] == "it failed"
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith(f"RuntimeError: {text}")


def test_what_other_libraries_warn_of_is_json_too() -> None:
    """A process of its own: here, the log is in the hands of pytest."""
    program = (
        "import logging\n"
        "from voicereg.cli.output.logs import log_to_stderr\n"
        "log_to_stderr(logging.INFO, as_json=True)\n"
        "logging.getLogger('another.library').info('chatter')\n"
        "logging.getLogger('another.library').warning('a warning')\n"
    )

    result = finished(spawn(program=(sys.executable, "-c", program)))

    line = json.loads(result.err)
    assert (line["logger"], line["message"]) == ("another.library", "a warning")


def test_a_round_logs_json_where_the_settings_say_so(cli: Cli, configure: Configure) -> None:
    configure('[log]\nformat = "json"')
    cli.sandbox.add_voice(
        family="qwen-tts",
        origin="cloned",
        target_model="qwen3-tts-vc-2026-01-22",
        name="colleague",
        created_at=datetime.now(UTC) - timedelta(days=364),
    )
    cli.done("sync")
    execute(cli.database, "UPDATE voices SET owner = :owner, name = :owner", {"owner": HOSTILE})

    result = cli("-v", "housekeeping", "run", "--json")

    assert_nothing_raw(result.err)
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert "warning" in {line["level"] for line in lines}


# --- start --------------------------------------------------------------------------------------


class Gate:
    """Holds up the provider, and tells when somebody waits there."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, sandbox: object) -> None:
        self.reached.set()
        assert self.released.wait(LONG)


def test_it_is_stopped_between_rounds_and_has_logged_json(cli: Cli, configure: Configure) -> None:
    configure(
        f"""
        [schedule]
        round = "17 3 1 1 *"
        heartbeat = "http://127.0.0.1:1/{SECRET}"
        [log]
        format = "json"
        """
    )
    process = spawn("housekeeping", "start")
    assert process.stderr is not None
    lines = []
    while "heartbeat" not in (line := process.stderr.readline()):
        assert line, "it ended too early"
        lines.append(json.loads(line))
    heartbeat = json.loads(line)
    status = cli.done("housekeeping", "status", "--json").json()

    process.send_signal(signal.SIGTERM)
    result = finished(process)

    assert (result.code, result.out) == (0, "")
    stopped = json.loads(result.err)  # one line, and nothing else
    assert (stopped["level"], stopped["message"]) == ("info", "stopped")
    lines_and_last = [*lines, heartbeat, stopped]
    assert all(set(line) == {"at", "level", "logger", "message"} for line in lines_and_last)
    assert lines[0]["message"] == "leading; rounds are due at '17 3 1 1 *'"
    assert lines[-1]["message"].startswith("the round has ended well, with 0 messages")
    assert heartbeat["level"] == "warning"
    assert "ConnectionRefusedError" in heartbeat["message"]
    assert SECRET not in json.dumps([*lines, heartbeat])
    assert status["leader"]["holder"].endswith(f", process {process.pid}")
    assert cli.done("housekeeping", "status", "--json").json()["leader"] is None


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """Something that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LONG)
        yield server


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_stopped_while_it_opens_the_registry(
    cli: Cli,
    configure: Configure,
    silent_server: socket.socket,
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port = silent_server.getsockname()[1]
    monkeypatch.setenv("VOICEREG_DATABASE", f"postgresql://me@127.0.0.1:{port}/voicereg")
    process = spawn("housekeeping", "start")
    connection, _ = silent_server.accept()

    process.send_signal(number)
    result = finished(process)
    connection.close()

    assert (result.code, result.out, result.err) == (0, "", "stopped\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["-q", "housekeeping", "start", "--all-accounts"], 0, ""),
        (["housekeeping", "run"], 130, "interrupted"),
        (["list", "--search", "start"], 130, "interrupted"),
    ],
)
def test_it_may_be_stopped_before_it_is_even_loaded(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    def interrupted(**options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("voicereg.cli.main.App", interrupted)

    result = cli(*arguments)

    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert (result.err.strip() == "") == (said == "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_it_waits_for_a_database_that_is_away_at_its_start(
    cli: Cli, configure: Configure, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(f'[log]\nformat = "{form}"')
    monkeypatch.setenv("VOICEREG_DATABASE", "postgresql://127.0.0.1:1/voicereg")
    process = spawn("housekeeping", "start")
    assert process.stderr is not None
    said = process.stderr.readline()
    assert process.poll() is None

    process.send_signal(signal.SIGTERM)
    result = finished(process)

    assert "Connection refused; it is tried again every 5 s" in said
    assert result.code == 0
    if form == "json":
        assert json.loads(said)["level"] == "warning"
        assert json.loads(result.err)["message"] == "stopped"
    else:
        assert said.startswith("WARNING: the database postgresql://127.0.0.1:1/voicereg cannot")
        assert result.err == "stopped\n"


FATAL = {
    "no URL": ("--database", "postgresql://host:port/name", 1, "it is not a URL"),
    "no such account": ("--account", "nobody", 4, "no account 'nobody'"),
    "no registry": ("--database", "/dev/null/voicereg.db", 1, "File exists"),
}


@pytest.mark.parametrize("case", FATAL)
def test_what_no_waiting_mends_ends_it(cli: Cli, configure: Configure, case: str) -> None:
    option, value, code, why = FATAL[case]

    assert_refused(cli(option, value, "housekeeping", "start"), code, why)


@pytest.mark.parametrize("case", FATAL)
def test_what_ends_it_is_a_line_of_the_log(cli: Cli, configure: Configure, case: str) -> None:
    configure('[log]\nformat = "json"')
    option, value, code, why = FATAL[case]

    result = cli(option, value, "housekeeping", "start")

    assert (result.code, result.out) == (code, "")
    line = json.loads(result.err)
    assert set(line) == {"at", "level", "logger", "message"}
    assert line["level"] == "error"
    assert why in line["message"]


def test_an_older_schema_ends_it(cli: Cli) -> None:
    execute(cli.database, "UPDATE alembic_version SET version_num = '0004'")

    assert_refused(cli("housekeeping", "start"), 1, "is older", "voicereg db upgrade")


def test_a_wrong_setting_ends_it_though_the_database_is_away(
    cli: Cli, configure: Configure
) -> None:
    configure('[metrics]\ntextfile = "/figures.txt"')

    result = cli("--database", "postgresql://127.0.0.1:1/name", "housekeeping", "start")

    assert_refused(result, 2, "it must end in .prom")


def test_a_fault_of_the_program_is_a_line_of_the_log(
    cli: Cli, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object, **options: object) -> None:
        raise ZeroDivisionError("by nought")

    configure('[log]\nformat = "json"')
    monkeypatch.setattr("voicereg.scheduler.run_forever", broken)

    result = cli("housekeeping", "start")

    assert (result.code, result.out) == (1, "")
    line = json.loads(result.err)
    assert (line["level"], line["message"]) == ("critical", "internal error")
    assert "ZeroDivisionError: by nought" in line["exception"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_stopped_in_the_middle_of_a_round(cli_on_each: Cli, number: signal.Signals) -> None:
    gate = Gate()
    cli_on_each.sandbox.on_action("list", gate, when="before")
    process = spawn("housekeeping", "start")
    assert gate.reached.wait(LONG)
    under_way = cli_on_each.done("housekeeping", "status", "--json").json()

    process.send_signal(number)
    result = finished(process)
    gate.released.set()

    assert (result.code, result.out) == (0, "")
    assert result.err.splitlines()[-1] == "stopped"
    assert "Traceback" not in result.err
    for name in ("leader", "under_way"):
        assert under_way[name]["holder"].endswith(f", process {process.pid}")
    status = cli_on_each.done("housekeeping", "status", "--json").json()
    assert (status["leader"], status["under_way"]) == (None, None)
    assert status["last"]["finished_at"] is None
    assert not any(cli_on_each.content()["leases"])
