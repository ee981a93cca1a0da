"""The doctor as users meet it: what it prints, what it changes (nothing), what it gives away."""

from __future__ import annotations

import ast
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.cells import cell_len

import tests.doctor
import voicereg.doctor
from tests.cli.support import assert_nothing_raw, assert_usage_error, plain
from tests.cli.terminal import on_terminal
from tests.cli.test_output_safety import TEXTS
from tests.doctor.support import Patient, commands_in
from tests.registry.rows import begun, insert_voices
from voicereg.doctor import checks, provider
from voicereg.doctor.findings import FINDING_KEYS, Finding, Outcome, warning
from voicereg.doctor.subject import Subject
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.errors import VoiceregError

PASSWORD = "tr0ub4dor-and-3"
HOSTILE = "a\u202e\u200b\x1b[2Jb"


def files(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Every file with its content and its mode."""
    return {
        str(path.relative_to(directory)): (path.read_bytes(), path.stat().st_mode)
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def dump(url: str) -> dict[str, list[str]]:
    """Every row of every table of a database, those of other programs included."""
    with begun(url) as connection:
        found = sa.MetaData()
        found.reflect(connection)
        return {
            table.name: sorted(map(repr, connection.execute(sa.select(table))))
            for table in found.sorted_tables
        }


# --- what it prints -----------------------------------------------------------------------------


def test_where_all_is_well_it_says_so(patient_of_each: Patient) -> None:
    report = patient_of_each.examine()
    table = patient_of_each.cli.done("doctor")

    assert report.loud == []
    assert (report.result.code, report.result.err) == (0, "")
    assert table.err == "nothing is wrong\n"
    header, *rows = table.rows()
    assert header == ["CHECK", "RESULT", "WHAT", "ADVICE"]
    assert [row[0] for row in rows] == [each.check for each in report.findings]
    assert patient_of_each.cli.done("-q", "doctor").err == ""


def test_the_json_is_an_array_of_objects(patient: Patient) -> None:
    documents = patient.cli.done("doctor", "--json").json()

    assert isinstance(documents, list)
    assert {tuple(document) for document in documents} == {FINDING_KEYS}


@pytest.mark.parametrize(
    ("loud", "code", "said"),
    [
        (("ok", "skipped"), 0, "nothing is wrong"),
        (("warning",), 0, "nothing is wrong, 1 warning"),
        (("warning", "wrong"), 1, "1 thing is wrong, 1 warning"),
        (("wrong", "wrong", "warning", "warning"), 1, "2 things are wrong, 2 warnings"),
    ],
)
def test_only_what_is_wrong_counts(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, loud: tuple[str, ...], code: int, said: str
) -> None:
    found = [Finding("clock.server", Outcome(each), "it stands", "wind it") for each in loud]
    monkeypatch.setattr(checks, "CHECKS", (checks.Check("clock", lambda subject: found),))

    result = patient.cli("doctor")

    assert (result.code, result.err) == (code, f"{said}\n")
    assert len(result.rows()) == 1 + len(loud)


def test_an_option_that_there_is_not(patient: Patient) -> None:
    assert_usage_error(patient.cli("doctor", "--mend"), "--mend")


def test_people_get_what_is_to_be_mended_and_the_rest_summed_up(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(DEFAULT_KEY_VARIABLE)
    patient.write(
        '[keep_alive]\nrules = [{ account = "音色设计工作室' + "沉稳的老爷爷" * 20 + '" }]'
    )

    shown = on_terminal("-q", "doctor", "--offline", columns=80)

    assert shown.code == 1
    assert_nothing_raw(shown.out, colours=True)
    assert "\x1b[" in shown.out  # colours
    lines = [line.rstrip() for line in plain(shown.out).splitlines()]
    assert max(cell_len(line) for line in lines) <= 80
    text = " ".join(line.strip() for line in lines)
    assert "accounts      wrong    default: DASHSCOPE_API_KEY is not set" in lines
    assert "export DASHSCOPE_API_KEY=…" in text
    assert "database      ok       6 checks" in lines
    assert "provider      skipped  not asked: --offline" in lines
    assert "".join(line.strip() for line in lines).count("沉稳的老爷爷") == 20, "nothing is cut"


def test_where_all_is_well_people_get_a_line_for_each_group(patient: Patient) -> None:
    lines = [line.rstrip() for line in plain(on_terminal("-q", "doctor").out).splitlines()]
    verbose = [line.rstrip() for line in plain(on_terminal("-q", "-v", "doctor").out).splitlines()]

    assert all("  ok  " in line or line.startswith(" ") for line in lines)
    assert [line.split()[0] for line in lines if "  ok  " in line] == [
        "settings",
        "database",
        "clock",
        "accounts",
        "provider",
        "sync",
        "housekeeping",
        "deadlines",
        "channels",
        "metrics",
        "installation",
    ]
    assert len([line for line in verbose if "  ok  " in line]) > 25


def test_what_is_being_looked_at_is_shown(patient: Patient) -> None:
    shown = plain(on_terminal("doctor", "--offline").out)

    assert " …" in shown
    assert shown.splitlines()[-1] == "nothing is wrong"


def test_no_color_is_honoured(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    shown = on_terminal("doctor", "--offline").out

    assert not any(f"\x1b[{colour}m" in shown for colour in (*range(30, 38), "1;31", "2;32"))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_nothing_raw_is_shown(patient: Patient, text: str) -> None:
    """Of whatever others have put into the database."""
    patient.execute(
        "INSERT INTO step_states (name, account, tried_at, error) VALUES"
        " ('sync', 'default', '2026-11-23 09:00:00.000000+00:00', :text)",
        text=text,
    )

    table = patient.cli("doctor", "--offline")
    document = patient.cli("doctor", "--offline", "--json")

    assert_nothing_raw(table.out + document.out)
    assert {len(row) for row in table.rows()} == {4}
    assert any(each["what"].endswith(text) for each in document.json())


def test_only_the_selected_account_is_looked_at_unless_all_are(patient: Patient) -> None:
    patient.cli.done("account", "add", "studio")

    one = patient.examine("--offline", before=["-a", "studio"])
    every = patient.examine("--offline", "--all-accounts")

    assert one.ok("account.key").what.startswith("studio: ")
    assert len(every.all("account.key", Outcome.OK)) == 2


# --- what it changes ----------------------------------------------------------------------------


def break_it(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every check something to say."""
    insert_voices(patient.url, 3)
    patient.execute("DELETE FROM sync_states")
    patient.execute("DELETE FROM rounds")
    patient.write("[metrics]\nport = 9\ntextfile = 'nowhere/voicereg.prom'", mode=0o644)
    monkeypatch.setenv(DEFAULT_KEY_VARIABLE, "wrong")


@pytest.mark.parametrize("condition", ["well", "ill", "open elsewhere", "left by a crash"])
def test_no_byte_of_a_file_is_changed(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, condition: str
) -> None:
    if condition == "ill":
        break_it(patient, monkeypatch)
    patient.cli.done("list")
    with closing(sqlite3.connect(patient.file)) as other:
        if condition == "open elsewhere":
            other.execute("INSERT INTO alembic_version VALUES ('0003')")
            other.execute("DELETE FROM alembic_version WHERE version_num = '0003'")
            other.commit()
        elif condition == "left by a crash":
            other.execute("UPDATE alembic_version SET version_num = version_num")
            other.commit()
            left = {
                path.name: path.read_bytes() for path in tmp_path.glob(f"{patient.file.name}-*")
            }
            other.close()
            for name, content in left.items():
                (tmp_path / name).write_bytes(content)
        before = files(tmp_path)
        modified = patient.file.stat().st_mtime_ns

        patient.cli("doctor", "--all-accounts")
        patient.cli("doctor", "--all-accounts", "--json")

        after = files(tmp_path)
        assert set(after) == set(before)
        # Readers note in this file, which is no more than memory that they share, how far they are.
        shared = f"{patient.file.name}-shm"
        assert {name: after[name] for name in after if name != shared} == {
            name: before[name] for name in before if name != shared
        }
        assert patient.file.stat().st_mtime_ns == modified


@pytest.mark.parametrize("is_ill", [False, True])
def test_no_row_of_a_shared_database_is_changed(
    shared_patient: Patient, monkeypatch: pytest.MonkeyPatch, is_ill: bool
) -> None:
    if is_ill:
        break_it(shared_patient, monkeypatch)
    before = dump(shared_patient.url)

    shared_patient.cli("doctor", "--all-accounts")

    assert dump(shared_patient.url) == before
    assert len(before) > 10


def test_nothing_is_made(patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICEREG_DATABASE", str(tmp_path / "new" / "voicereg.db"))
    monkeypatch.delenv("VOICEREG_CONFIG")
    before = sorted(tmp_path.rglob("*"))

    patient.cli("doctor")

    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_is_changed_at_the_provider(patient: Patient) -> None:
    patient.cli.created()
    patient.cli.sandbox.clear_requests()

    patient.examine()

    assert patient.cli.actions == ["list"]


# --- what it gives away -------------------------------------------------------------------------


def test_no_secret_is_shown(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and passwords wherever somebody may put one, and everything failing."""
    monkeypatch.setattr(provider, "_PATIENCE", provider._PATIENCE / 50)
    places = {
        "VOICEREG_DATABASE": [
            f"postgresql://me:{PASSWORD}@127.0.0.1:9/voicereg?password={PASSWORD}",
            f"postgresql://me:{PASSWORD}@{PASSWORD}@127.0.0.1/voicereg",
            f"postgresql://me:{PASSWORD}/{PASSWORD}@127.0.0.1:{PASSWORD}/voicereg",
            f"mysql://me:{PASSWORD}@127.0.0.1/voicereg",
        ],
        "VOICEREG_BASE_URL": [
            f"https://me:{PASSWORD}@127.0.0.1:9/api/v1",
            f"https://127.0.0.1:9/api/v1?key={PASSWORD}",
            f"https://127.0.0.1:9/{PASSWORD}@/api/v1",
        ],
        DEFAULT_KEY_VARIABLE: [
            PASSWORD,
            f"'{PASSWORD}'",
            f"{PASSWORD}\n{PASSWORD}",
            PASSWORD + "é",
        ],
        "DESK": [f"json://me:{PASSWORD}@127.0.0.1:9/{PASSWORD}", f"slack://{PASSWORD}", PASSWORD],
        "BEAT": [f"https://127.0.0.1:9/{PASSWORD}", f"https://h:{PASSWORD}", PASSWORD],
        "VOICEREG_SETTLE_AFTER": [f"postgresql://me:{PASSWORD}@db/v"],
    }
    patient.write(
        f'database = "postgresql://me:{PASSWORD}@127.0.0.1:9/voicereg"\n'
        f'[[channel]]\nname = "desk"\nurl = "env:DESK"\n'
        f'[[channel]]\nname = "hook"\nurl = "json://me:{PASSWORD}@127.0.0.1:9/{PASSWORD}"\n'
        f'[[channel]]\nname = "other"\nurl = "{PASSWORD}"\n'
        '[schedule]\nheartbeat = "env:BEAT"\n'
    )
    for variable, values in places.items():
        for value in values:
            with monkeypatch.context() as changed:
                changed.setenv(variable, value)
                result = patient.cli("-vv", "doctor", "--send-test")
                assert result.code == 1
                assert PASSWORD not in result.out + result.err, (variable, value)


# --- what goes wrong with itself ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (RuntimeError(PASSWORD), "internal error: RuntimeError (test_whole.py, line "),
        (PermissionError(13, "Permission denied", "/etc/shadow"), "/etc/shadow: Permission denied"),
        (VoiceregError("it is as it is"), "it is as it is"),
    ],
)
def test_a_check_that_fails_does_not_keep_the_others_from_running(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, error: Exception, what: str
) -> None:
    def failing(subject: Subject) -> Iterator[Finding]:
        yield warning("clock.server", "found before", "wind it")
        raise error

    broken = tuple(
        checks.Check(check.name, failing) if check.name == "clock" else check
        for check in checks.CHECKS
    )
    monkeypatch.setattr(checks, "CHECKS", broken)

    result = patient.cli("doctor", "--json")

    found = {each["check"]: each for each in result.json()}
    assert result.code == 1
    assert found["clock"]["outcome"] == "wrong"
    assert what in found["clock"]["what"]
    assert found["clock"]["advice"]
    assert found["clock.server"]["what"] == "found before"
    assert found["install.python"]["outcome"] == found["account.key"]["outcome"] == "ok"
    assert PASSWORD not in result.out + result.err


# --- whether these tests see it all -------------------------------------------------------------


def test_every_finding_has_a_test_that_reads_its_advice() -> None:
    """What the checks can find, by their source, and what the tests ask for, by theirs."""
    can_be_found, asked_for = set(), set()
    for path in Path(voicereg.doctor.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {
            node.targets[0].id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                if node.func.id not in ("wrong", "warning"):
                    continue
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    can_be_found.add((first.value, node.func.id))
                elif isinstance(first, ast.Name) and first.id in names:
                    can_be_found.add((names[first.id], node.func.id))
    for path in Path(tests.doctor.__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            if not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            if node.func.attr in ("wrong", "warning"):
                asked_for.add((node.args[0].value, node.func.attr))
            elif node.func.attr == "all" and isinstance(node.args[1], ast.Attribute):
                asked_for.add((node.args[0].value, node.args[1].attr.lower()))

    assert len(can_be_found) > 30
    # Of an extra, the name is put together: each of them is asked for by test_installation.
    assert can_be_found - asked_for == set()


def test_a_command_in_advice_is_looked_at() -> None:
    """The look that every report of these tests gets."""
    good = "voicereg -a studio resolve ID --adopt VOICE_ID, or --release; then: voicereg sync"
    assert [command.name for command, _ in commands_in(good)] == ["resolve", "sync"]
    for bad in ("voicereg mend", "first voicereg sync; then voicereg account mend NAME"):
        with pytest.raises(AssertionError):
            list(commands_in(bad))
    ((command, options),) = commands_in("voicereg sync --mend does")
    assert options == ["--mend"]
    assert not any("--mend" in each.opts for each in command.params)
