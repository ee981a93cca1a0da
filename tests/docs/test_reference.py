"""The reference says what the program says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

import voicereg
import voicereg.tracking
from docs.reference import documents, generate, settings
from docs.reference.commands import all_commands, path_of
from tests.cli.conftest import Cli
from tests.cli.support import creating
from tests.docs.markdown import DOCS, ROOT
from tests.fakes import NARRATOR
from voicereg.domain.states import FOLLOWS, State
from voicereg.domain.voices import VOICE_KEYS
from voicereg.sandbox import Sandbox
from voicereg.tables import metadata

PAGES = generate.pages()
DATA_MODEL = (DOCS / "data-model.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_what_the_program_says_now(name: str) -> None:
    kept = (DOCS / "reference" / name).read_text(encoding="utf-8")

    assert kept == PAGES[name], f"write it anew: {generate.COMMAND}"


def test_they_are_the_same_wherever_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("HOME", "/nowhere")
    monkeypatch.setenv("VOICEREG_DATABASE", "elsewhere.db")

    assert generate.pages() == PAGES


def test_every_command_and_option_is_named() -> None:
    page = PAGES["commands.md"]

    for context in all_commands():
        section = page.partition(f"# {path_of(context)}\n")[2].partition("\n## ")[0]
        for parameter in context.command.params:
            assert (
                max(parameter.opts, key=len) in section
                or parameter.make_metavar(context) in section
            )


def test_every_variable_that_the_program_reads_is_named() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "voicereg").rglob("*.py")
    )

    assert set(re.findall(r"(?<!env:)\bVOICEREG_[A-Z_]+\b", sources)) == set(settings.ENVIRONMENT)


def test_every_action_of_the_audit_log_is_named() -> None:
    assert documents.actions_of_the_program() == set(documents.ACTIONS)


def test_commands_print_the_keys_that_are_listed(
    cli: Cli, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICEREG_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("DASHSCOPE_API_KEY", sandbox.api_key)
    voice = cli.created()
    Path("uses.jsonl").write_text(f'{{"voice_id": "{voice}", "at": "2026-11-20T10:00Z"}}\n')
    cli.done("export", "-o", "voices.csv")
    both = {"both": {**NARRATOR, "candidates": 2}}
    Path("voices.json").write_text(json.dumps({"voices": both}))
    cli.done("apply", "voices.json", "--yes")
    candidate = cli.done("choose", "--json").json()[0]["id"]
    options = {
        "apply": ["voices.json", "--plan"],
        "choose VOICE": ["--yes"],
        "report": ["-o", "report.html"],
        "create --dry-run": creating("qwen-tts", "--dry-run")[1:],
        "preview": [voice],
        "synthesize": [voice, "Good evening.", "-o", "hello.wav"],
        "use --from": ["--from", "uses.jsonl"],
        "import": ["voices.csv"],
        "db backup": ["registry.backup"],
        "db copy": ["copy.db"],
        "metrics -o": ["-o", "voicereg.prom"],
    }

    for command, keys in documents.OWN_KEYS.items():
        words = command.partition(" -")[0].replace("VOICE", candidate).split()
        printed = cli.done(*words, *options.get(command, []), "--json").json()
        assert tuple(printed) == keys, command
    shown = cli.done("show", voice, "--json").json()
    assert shown.keys() - set(VOICE_KEYS) == {"replaced_by", "daily_uses"}


@pytest.mark.parametrize("name", [*voicereg.__all__, *voicereg.tracking.__all__])
def test_every_public_name_is_in_the_library(name: str) -> None:
    page = (DOCS / "reference" / "library.md").read_text(encoding="utf-8")

    assert name == "__version__" or re.search(rf"auto\w+:: {name}\n", page)


@pytest.mark.parametrize("table", metadata.tables.values(), ids=str)
def test_each_table_and_column_is_named(table: sa.Table) -> None:
    page = PAGES["tables.md"].partition(f"\n## {table.name}\n")[2].partition("\n## ")[0]

    for column in table.columns:
        assert f"| `{column.name}` |" in page
    assert f"`{table.name}`" in DATA_MODEL


@pytest.mark.parametrize("state", State)
def test_the_data_model_has_each_state_and_what_may_follow_it(state: State) -> None:
    (row,) = re.findall(rf"(?m)^\| `{state}` \| (yes|no) \| (.+?) \|", DATA_MODEL)
    holds, following = row

    assert holds == ("yes" if state.holds_slot else "no")
    assert set(re.findall(r"`(\w+)`", following)) == FOLLOWS[state]
