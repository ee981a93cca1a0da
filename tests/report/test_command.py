"""``voicereg report``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import PROGRAM, assert_refused, assert_usage_error, environment
from tests.registry.rows import insert_voice
from tests.report.support import keep_preview, parsed, rows_of, tone


def test_it_writes_a_page_and_says_so(cli_on_each: Cli) -> None:
    cli = cli_on_each
    voice = cli.created("qwen-tts")
    before = cli.content()

    result = cli.done("report", "-o", "report.html")

    assert (result.out, result.err) == ("", "wrote report.html (1 voice)\n")
    (row,) = rows_of(parsed(Path("report.html").read_text()))
    assert voice in row.text
    assert cli.content() == before
    assert not Path("report-previews").exists()
    # Neither is the provider asked, nor is a key needed.
    assert [one for one in cli.actions if one != "create"] == []


def test_json_says_what_was_written(cli: Cli) -> None:
    cli.created("qwen-tts")
    cli.created("cosyvoice")

    written = cli.done("report", "-o", "report.html", "--json").json()

    size = Path("report.html").stat().st_size
    assert written.pop("made_at").endswith("Z")
    assert written == {
        "file": "report.html",
        "bytes": size,
        "accounts": ["default"],
        "voices": 2,
        "rows": 2,
        "previews": {"embedded": 2, "beside": 0, "left_out": 0, "folder": None},
        "warnings": 0,
    }


def test_previews_without_room_go_beside_the_page(cli: Cli) -> None:
    voice = cli.created("qwen-tts")
    Path("out").mkdir()

    result = cli.done("report", "-o", "out/weekly report.html", "--embed-up-to", "1kB")

    folder = Path("out/weekly report-previews")
    assert [one.name for one in folder.iterdir()] == [f"{voice}.wav"]
    cli.done("preview", voice, "-o", "p.wav")
    assert (folder / f"{voice}.wav").read_bytes() == Path("p.wav").read_bytes()
    assert f"1 preview beside it in {folder}" in result.err
    page = parsed(Path("out/weekly report.html").read_text())
    (button,) = page.all("button", class_="player")
    assert button.attributes["data-url"] == f"./weekly%20report-previews/{voice}.wav"


def test_a_hostile_registry_id_stays_in_the_folder(cli: Cli) -> None:
    insert_voice(cli.database, id="../../escape")
    keep_preview(cli.database, "../../escape", tone(0.05))

    cli.done("report", "-o", "report.html", "--embed-up-to", "0")

    (file,) = Path("report-previews").iterdir()
    assert file.suffix == ".wav"
    assert file.stem.isalnum()
    assert not list(Path.cwd().parent.glob("escape*"))


@pytest.mark.parametrize("size", ["0", "1b", "1 kB", "1KB"])
def test_sizes_are_written_as_people_write_them(cli: Cli, size: str) -> None:
    insert = insert_voice(cli.database)
    keep_preview(cli.database, insert, tone(0.1))

    written = cli.done("report", "-o", "r.html", "--embed-up-to", size, "--json").json()
    assert written["previews"]["beside"] == 1
    assert written["previews"]["folder"] == "r-previews"


def test_beside_a_device_there_is_nothing(cli: Cli) -> None:
    keep_preview(cli.database, insert_voice(cli.database), tone(0.1))

    written = cli.done("report", "-o", "/dev/null", "--embed-up-to", "0", "--json").json()

    assert written["bytes"] is None
    assert written["previews"] == {"embedded": 0, "beside": 0, "left_out": 1, "folder": None}


def test_previews_can_be_left_out(cli: Cli) -> None:
    cli.created("qwen-tts")

    result = cli.done("report", "-o", "report.html", "--no-previews")

    assert "data:audio" not in Path("report.html").read_text()
    assert result.err == "wrote report.html (1 voice)\n"


def test_it_goes_to_stdout_whole(cli: Cli) -> None:
    voice = cli.created("qwen-tts")
    words = [*PROGRAM, "report", "-o", "-", "--embed-up-to", "0"]
    # Whatever the encoding of stdout: the page says that it is UTF-8.
    narrow = environment() | {"PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(words, env=narrow, capture_output=True, check=True)

    (row,) = rows_of(parsed(done.stdout.decode()))
    assert voice in row.text
    assert done.stderr == b"1 preview left out of the page\n"
    assert list(Path.cwd().iterdir()) == []


def test_all_accounts_are_told_of(cli: Cli) -> None:
    cli.done("account", "add", "singapore", "--region", "ap-southeast-1")
    cli.created("qwen-tts")

    written = cli.done("report", "-o", "r.html", "--all-accounts", "--json").json()
    assert (written["accounts"], written["voices"]) == (["default", "singapore"], 1)
    written = cli.done("-a", "singapore", "report", "-o", "r.html", "--json").json()
    assert (written["accounts"], written["voices"]) == (["singapore"], 0)


def test_what_the_table_has_no_room_for_is_said(cli: Cli) -> None:
    for _ in range(3):
        cli.created("qwen-tts")

    result = cli.done("report", "-o", "report.html", "--rows", "2")

    assert "1 voice not in the table, which holds 2: --rows makes it longer" in result.err
    assert "1 voice of 3 is not in this table" in Path("report.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing option '-o'"),
        (["-o", "r.html", "--embed-up-to", "plenty"], "'plenty' is not of the form"),
        (["-o", "r.html", "--embed-up-to", "-1"], "is not of the form"),
        (["-o", "r.html", "--rows", "0"], "0 is not in the range"),
        (["-o", "-", "--json"], "--json has no place there"),
    ],
)
def test_what_cannot_be_meant_is_refused(cli: Cli, words: list[str], said: str) -> None:
    assert_usage_error(cli("report", *words), said)
    assert list(Path.cwd().iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused_before_anything(cli: Cli) -> None:
    Path("there").mkdir()
    assert_refused(cli("report", "-o", "there"), 2, "it is a directory")
    assert_refused(cli("report", "-o", "none/r.html"), 2, "there is no directory none")
    Path("r-previews").write_text("a file of somebody's")
    cli.created("qwen-tts")
    refused = cli("report", "-o", "r.html", "--embed-up-to", "0")
    assert_refused(refused, 2, "r-previews", "File exists")
    assert not Path("r.html").exists()


def test_an_account_that_there_is_not(cli: Cli) -> None:
    assert_refused(cli("-a", "nobody", "report", "-o", "r.html"), 4, "nobody")
    assert list(Path.cwd().iterdir()) == []


def test_an_earlier_page_stays_where_a_new_one_fails(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.done("report", "-o", "report.html")
    before = Path("report.html").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert_refused(cli("report", "-o", "report.html"), 2, "No space left on device")

    assert Path("report.html").read_bytes() == before
    assert [one.name for one in Path.cwd().iterdir()] == ["report.html"]


def test_who_may_read_it_is_the_user_s_own_choice(cli: Cli) -> None:
    for mask, mode in ((0o022, 0o644), (0o077, 0o600)):
        before = os.umask(mask)
        try:
            cli.done("report", "-o", f"{mode}.html")
        finally:
            os.umask(before)
        assert Path(f"{mode}.html").stat().st_mode & 0o777 == mode


def test_jinja2_is_loaded_by_nothing_else(cli: Cli) -> None:
    script = (
        "import sys, json\n"
        "from voicereg.cli.main import run\n"
        "run(['quota', '--json'])\n"
        "print(json.dumps('jinja2' in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) is False
