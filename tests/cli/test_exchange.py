"""``export`` and ``import``: the same registry again, and nothing by halves."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused
from tests.fakes import START, FakeClock
from tests.registry.rows import begun, insert_voice, row_of, update_voice
from tests.schema import frozen
from voicereg import State
from voicereg.cli.app import CLOCK
from voicereg.domain.exchange import EXCHANGE_KEYS
from voicereg.tables import quota_limits, voice_texts, voices

EVERY_KIND_OF_TEXT = [
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(A1)",
    "\tindented",
    "'=quoted",
    "'tis plain",
    '"quoted"',
    '"half',
    "two\nlines",
    "carriage\rreturn",
    "bell\x07 and \x1b[31mred",
    "沉稳的中年男性播音员，音色低沉",
    "comma, semicolon; and | bar",
    " space around ",
    "line\u2028separator",
    "true",
    "{}",
    "12",
]


def written(path: str, text: str) -> str:
    Path(path).write_text(text, encoding="utf-8")
    return path


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def minimal(**changed: Any) -> dict[str, Any]:
    return {
        "voice_id": "qwen3-tts-vd-one",
        "target_model": "qwen3-tts-vd-2026-01-26",
        "created_at": "2026-09-01T08:00:00Z",
    } | changed


def as_lines(*found: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found)


# --- there and back ---------------------------------------------------------------------------


@pytest.fixture
def later() -> Iterator[None]:
    """When what released versions left had come about."""
    token = CLOCK.set(FakeClock(START + timedelta(days=800)))
    yield
    CLOCK.reset(token)


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("released", [frozen.RELEASED[-1]], indirect=True)
def test_export_wipe_import_is_the_same_byte_for_byte(
    start: Callable[[str], Cli], upgraded_url: str, database_url: str, form: str
) -> None:
    with begun(upgraded_url) as connection:
        # Nobody is at work on it in the other registry.
        creating = voices.c.state == State.CREATING
        connection.execute(
            sa.update(voices).where(creating).values(state=State.UNRESOLVED, lease_holder=None)
        )
    here = start(upgraded_url)
    first = here.done("export", "--all-accounts", "--format", form).out
    accounts = here.done("account", "list", "--json").json()
    wiped = start(database_url)
    for account in accounts:
        if account["name"] != "default":
            group = ["--quota-group", account["quota_group"]]
            wiped.done("account", "add", account["name"], *group)

    done = wiped.done("import", written("voices", first), "--json").json()

    assert wiped.done("export", "--all-accounts", "--format", form).out == first
    count = len(frozen.rows(upgraded_url)["voices"])
    assert (done["rows"], done["added"], done["bad"], done["done"]) == (count, count, 0, True)
    wiped.done("db", "check")
    again = wiped.done("import", "voices", "--json").json()
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, count)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_any_text_comes_back_as_it_was(cli: Cli, form: str) -> None:
    texts = {
        insert_voice(cli.database, prompt=text, note=text, owner=text, name=text): text
        for text in EVERY_KIND_OF_TEXT
    }
    first = cli.done("export", "--format", form).out
    for voice in texts:
        update_voice(cli.database, voice, note=None, owner="another")

    cli.done("import", written("voices", first))

    found = {voice["id"]: voice for voice in cli.done("list", "--json").json()}
    assert len(found) == len(texts)
    for voice, text in texts.items():
        fields = ("prompt", "note", "owner", "name")
        assert [found[voice][key] for key in fields] == [text] * len(fields)


def test_no_cell_is_a_formula_and_no_line_moves_a_cursor(cli: Cli) -> None:
    for text in EVERY_KIND_OF_TEXT:
        insert_voice(cli.database, prompt=text, note=text)

    out = cli.done("export", "--format", "csv").out

    cells = [cell for row in csv.reader(out.splitlines(keepends=True)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert "\x1b" not in out
    assert "\x07" not in out


def test_to_a_file_by_its_ending(cli: Cli) -> None:
    voice = cli.created()

    result = cli.done("export", "-o", "voices.csv")

    assert result.out == ""
    assert "wrote 1 voice to voices.csv" in result.err
    (row,) = csv.DictReader(Path("voices.csv").read_text(encoding="utf-8").splitlines())
    assert tuple(row) == EXCHANGE_KEYS
    assert row["id"] == voice


def test_gone_voices_are_exported_unless_said(cli: Cli) -> None:
    gone = insert_voice(cli.database, state=State.LOST)
    here = insert_voice(cli.database, owner="lin")

    assert [row["id"] for row in rows(cli.done("export").out)] == [gone, here]
    assert [row["id"] for row in rows(cli.done("export", "--without-gone").out)] == [here]
    assert [row["id"] for row in rows(cli.done("export", "--owner", "lin").out)] == [here]


def test_what_list_prints_is_read_as_well(cli: Cli) -> None:
    voice = cli.created("qwen-tts", "--tag", "team=news")
    for form in ("json", "jsonl", "csv"):
        listed = cli.done("list", "--format", form).out
        assert cli.done("import", written("voices", listed), "--json").json()["unchanged"] == 1
    assert cli.done("show", voice, "--json").json()["tags"] == {"team": "news"}


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_keys_of_manifests_and_what_is_to_be_chosen_come_back(cli_on_each: Cli, form: str) -> None:
    cli = cli_on_each
    old = insert_voice(cli.database, manifest_key="radio/晚间 新闻")
    insert_voice(cli.database, manifest_key="radio/晚间 新闻", replaces=old)
    insert_voice(cli.database, candidate_for="news", candidate_alias="narrator")
    insert_voice(cli.database, candidate_for="news", state=State.UNRESOLVED)
    insert_voice(cli.database, candidate_for="=1+1", state=State.DELETED)
    first = cli.done("export", "--format", form).out
    with begun(cli.database) as connection:
        connection.execute(sa.delete(voice_texts))
        connection.execute(sa.delete(voices))

    done = cli.done("import", written("voices", first), "--json").json()

    assert (done["added"], done["bad"]) == (5, 0)
    assert cli.done("export", "--format", form).out == first
    assert cli.done("import", "voices", "--json").json()["unchanged"] == 5


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_what_list_prints_takes_no_alias_from_a_candidate(cli: Cli, form: str) -> None:
    voice = insert_voice(cli.database, candidate_for="news", candidate_alias="narrator")
    before = cli.content()

    cli.done("import", written("voices", cli.done("list", "--format", form).out))

    assert cli.content() == before
    assert row_of(cli.database, voice).candidate_alias == "narrator"


@pytest.mark.parametrize(
    ("row", "after"),
    [
        ({"note": "x"}, (None, "news", "narrator")),
        ({"manifest_key": "news"}, ("news", None, None)),
        ({"manifest_key": None}, (None, "news", "narrator")),
        ({"candidate_for": None}, (None, None, None)),
        ({"candidate_for": "other"}, (None, "other", None)),
        ({"candidate_for": "news", "candidate_alias": None}, (None, "news", None)),
        ({"candidate_for": "other", "candidate_alias": "a"}, (None, "other", "a")),
    ],
    ids=str,
)
def test_what_a_row_makes_of_a_candidate(
    cli: Cli, row: dict[str, Any], after: tuple[str | None, ...]
) -> None:
    voice = insert_voice(cli.database, candidate_for="news", candidate_alias="narrator")

    cli.done("import", written("voices", as_lines({"id": voice} | row)))

    found = row_of(cli.database, voice)
    assert (found.manifest_key, found.candidate_for, found.candidate_alias) == after


def test_a_row_makes_a_chosen_one_a_candidate_again(cli: Cli) -> None:
    voice = insert_voice(cli.database, manifest_key="news")

    cli.done("import", written("voices", as_lines({"id": voice, "candidate_for": "news"})))

    found = row_of(cli.database, voice)
    assert (found.manifest_key, found.candidate_for) == (None, "news")


# --- what an import does ----------------------------------------------------------------------


def test_a_voice_that_somebody_knows_by_its_id_alone(cli_on_each: Cli) -> None:
    """As from a list that was kept by hand."""
    cli = cli_on_each
    text = "voice_id,target_model,created_at,prompt,owner,tags\n"
    text += (
        'qwen-a,qwen3-tts-vd-2026-01-26,2026-09-01T08:00:00+08:00,沉稳,林,"{""team"": ""新闻""}"\n'
    )

    cli.done("import", written("by-hand.csv", "\ufeff" + text))

    (voice,) = cli.done("list", "--json").json()
    assert voice["voice_id"] == "qwen-a"
    assert voice["family"] == "qwen-tts"
    assert (voice["state"], voice["deadline_basis"]) == ("active", "estimated")
    assert voice["created_at"] == "2026-09-01T00:00:00Z"
    assert voice["deadline_at"] == "2027-09-01T00:00:00Z"
    assert (voice["prompt"], voice["owner"], voice["tags"]) == ("沉稳", "林", {"team": "新闻"})
    assert cli.done("quota", "--json", "--family", "qwen-tts").json()[0]["used"] == 1
    assert [voice["id"]] == [
        one["id"] for one in cli.done("list", "--search", "沉稳", "--json").json()
    ]


def test_labels_become_those_of_the_row_and_nothing_else_changes(cli_on_each: Cli) -> None:
    cli = cli_on_each
    voice = cli.created("qwen-tts", "--tag", "a=1", "--owner", "old", "--note", "stays")
    before = cli.done("show", voice, "--json").json()
    row = {"id": voice, "tags": {"b": "2"}, "owner": None, "pinned": True, "aliases": ["narrator"]}

    done = cli.done("import", written("voices", as_lines(row)), "--json").json()

    after = cli.done("show", voice, "--json").json()
    assert done["changed"] == 1
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"tags", "owner", "pinned", "aliases", "updated_at"}
    assert (after["tags"], after["owner"], after["aliases"]) == ({"b": "2"}, None, ["narrator"])
    assert "voice.edit" in {event["action"] for event in cli.done("events", "--json").json()}


def test_what_was_not_known_is_filled_in(cli: Cli) -> None:
    voice = insert_voice(cli.database, prompt=None, preview_text=None, voice_id="qwen-found")
    row = {"voice_id": "qwen-found", "prompt": "A calm voice.", "preview_text": "Good evening."}

    cli.done("import", written("voices", as_lines(row)))

    shown = cli.done("show", voice, "--json").json()
    assert (shown["prompt"], shown["preview_text"]) == ("A calm voice.", "Good evening.")
    assert cli.done("list", "--search", "calm", "--json").json()[0]["id"] == voice


def test_a_later_use_moves_the_deadline_and_an_earlier_does_not(cli: Cli) -> None:
    voice = insert_voice(cli.database, voice_id="qwen-used", created_at=START - timedelta(days=90))
    later, earlier = START - timedelta(days=10), START - timedelta(days=50)
    for at in (later, earlier):
        row = {"voice_id": "qwen-used", "last_used_at": at.isoformat()}
        cli.done("import", written("voices", as_lines(row)))

        shown = cli.done("show", voice, "--json").json()
        assert shown["last_used_at"] == later.isoformat().replace("+00:00", "Z")
        assert shown["deadline_basis"] == "used"


def test_a_dry_run_changes_nothing(cli: Cli) -> None:
    cli.created()
    before = cli.content()

    result = cli.done("import", written("voices", as_lines(minimal())), "--dry-run", "--json")

    assert (result.json()["added"], result.json()["done"]) == (1, False)
    assert "nothing was changed" in result.err
    assert cli.content() == before


def test_only_what_came_on_record_explains_slots_that_nobody_saw(cli_on_each: Cli) -> None:
    cli = cli_on_each
    cli.done("alias", "set", "narrator", cli.created())
    with begun(cli.database) as connection:
        of_qwen = quota_limits.c.family == "qwen-tts"
        refused = sa.update(quota_limits).where(of_qwen).values(unseen=3, refused_at=START)
        connection.execute(refused)
    good = [minimal(voice_id="qwen-one"), minimal(voice_id="qwen-two")]
    bad = minimal(voice_id="qwen-three", aliases=["narrator"])

    result = cli("import", written("voices", as_lines(bad, *good)), "--skip-bad", "--json")

    assert (result.json()["added"], result.json()["bad"]) == (2, 1)
    (quota,) = cli.done("quota", "--json", "--family", "qwen-tts").json()
    assert (quota["used"], quota["unseen"]) == (3, 1)


# --- bad rows ---------------------------------------------------------------------------------

BAD = [
    (minimal(voice_id=""), "voice_id"),
    (minimal(voice_id="two words"), "no id of a voice"),
    (minimal(created_at="2026-09-01 08:00"), "needs a zone"),
    (minimal(created_at="yesterday"), "no time such as"),
    (minimal(created_at="2099-01-01T00:00:00Z"), "in the future"),
    (minimal(created_at=None), "created_at: it is missing"),
    (minimal(last_used_at="2099-01-01T00:00:00Z"), "in the future"),
    (minimal(target_model=None), "family"),
    (minimal(state="gone"), "it is one of creating"),
    (minimal(state="deleting"), "delete_asked_at"),
    (minimal(gone_at="2026-09-02T08:00:00Z"), "not gone"),
    (minimal(deadline_at="2036-09-02T08:00:00Z"), "365 days"),
    (minimal(deadline_basis="used"), "no last use"),
    (minimal(tags=["a"]), "they are written as"),
    (minimal(tags={"a=b": "c"}), "no = in it"),
    (minimal(pinned="perhaps"), "true or false"),
    (minimal(sample_rate="fast"), "no number"),
    (minimal(sample_rate="0"), "no number above zero"),
    (minimal(sample_rate=2**31), "no number above zero"),
    (minimal(pinned=[[]]), "true or false"),
    (minimal(manifest_key="a", candidate_for="a"), "a voice with a manifest_key is chosen"),
    (minimal(candidate_alias="a"), "it goes with candidate_for"),
    (minimal(manifest_key="a", candidate_alias="a"), "it goes with candidate_for"),
    (minimal(candidate_for="a", candidate_alias="two words"), "alias: "),
    (minimal(manifest_key=" a"), "no space around it"),
    (minimal(manifest_key="a/b/c"), "the / after its set"),
    (minimal(candidate_for="a\n"), "nothing invisible"),
    (minimal(candidate_for="a" * 201), "at most 200 are kept"),
    (minimal(aliases=["two words"]), "alias: "),
    (minimal(account="nobody"), "voicereg account add nobody"),
    (minimal(replaces="nosuchvoice"), "no voice has this id"),
    (minimal(prompts="x"), "no such column"),
    (minimal(name="a\x00b"), "NUL"),
    (minimal(id="../../etc"), "letters and digits"),
]


@pytest.mark.parametrize(("row", "said"), BAD, ids=lambda value: str(value)[-30:])
def test_a_bad_row_is_told_of_by_its_line_and_nothing_is_changed(
    cli: Cli, row: dict[str, Any], said: str
) -> None:
    before = cli.content()
    good = minimal(voice_id="qwen-good")

    result = cli("import", written("voices", as_lines(good, row)), "--json")

    assert result.code == 2
    assert not result.json()["done"]
    (problem,) = result.json()["problems"]
    assert problem["line"] == 2
    assert said in problem["why"]
    assert "line 2: " in result.err
    assert cli.content() == before

    result = cli("import", "voices", "--skip-bad")
    assert result.code == 1
    assert [voice["voice_id"] for voice in cli.done("list", "--json").json()] == ["qwen-good"]


def test_every_bad_row_is_told_of(cli: Cli) -> None:
    text = as_lines(*(row for row, _ in BAD)) + "no JSON\n[1]\n"

    result = cli("import", written("voices", text), "--json")

    assert [problem["line"] for problem in result.json()["problems"]] == list(
        range(1, len(BAD) + 3)
    )
    assert "bad rows more" in result.err


def test_rows_that_contradict_what_is_on_record(cli: Cli) -> None:
    voice = insert_voice(cli.database, voice_id="qwen-known", prompt="A calm voice.")
    other = insert_voice(cli.database, voice_id="qwen-other")
    for row, said in (
        ({"voice_id": "qwen-known", "prompt": "A loud voice."}, "never changes"),
        ({"id": voice, "voice_id": "qwen-other"}, f"{voice} has qwen-known"),
        ({"id": voice, "family": "qwen-tts"}, "never changes"),
    ):
        before = cli.content()
        result = cli("import", written("voices", as_lines(row)), "--json")
        assert result.code == 2
        assert said in result.json()["problems"][0]["why"]
        assert cli.content() == before
    twice = as_lines({"id": other, "note": "a"}, {"voice_id": "qwen-other", "note": "b"})
    result = cli("import", written("voices", twice), "--json")
    assert "line 1 is of the same voice" in result.json()["problems"][0]["why"]


def test_an_alias_that_stands_for_another(cli: Cli) -> None:
    cli.done("alias", "set", "narrator", cli.created())

    result = cli("import", written("voices", as_lines(minimal(aliases=["narrator"]))), "--json")

    assert "it stands for voice" in result.json()["problems"][0]["why"]
    assert len(cli.done("list", "--json").json()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("voice_id,voice_id\na,b\n", "twice"),
        ("[{", "no JSON"),
        ("\x00\na\n", "no such column"),
    ],
)
def test_files_that_are_none(cli: Cli, text: str, said: str) -> None:
    before = cli.content()

    result = cli("import", written("voices", text))

    assert result.code == 2
    assert said in result.err
    assert cli.content() == before


def test_a_file_that_is_not_utf_8(cli: Cli) -> None:
    Path("voices").write_bytes(b'{"voice_id": "a"}\n{"voice_id": "\xff"}\n')

    result = cli("import", "voices")

    assert result.code == 2
    assert "line 2 is not UTF-8" in result.err


def test_a_file_that_is_not_there(cli: Cli) -> None:
    result = cli("import", "nowhere.csv")

    assert result.code == 2
    assert "nowhere.csv" in result.err


def test_cells_of_several_lines_keep_the_count_of_lines(cli: Cli) -> None:
    head = "voice_id,target_model,created_at,note\n"
    good = 'qwen-a,qwen3-tts-vd-2026-01-26,2026-09-01T08:00:00Z,"one\ntwo\nthree"\n'
    short = "qwen-b,qwen3-tts-vd-2026-01-26\n"

    result = cli("import", written("voices.csv", head + good + short), "--json")

    (problem,) = result.json()["problems"]
    assert problem["line"] == 5
    assert "it has 2 cells; the first line has 4" in problem["why"]


def test_excel_is_told_that_it_is_chinese(cli: Cli) -> None:
    voice = cli.created("qwen-tts", "--owner", "林")

    cli.done("export", "-o", "voices.csv", "--bom")
    told = cli("export", "--bom")

    data = Path("voices.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfid,voice_id,")
    assert told.code == 2
    assert "--bom goes with CSV" in told.err
    cli.done("edit", voice, "--owner", "somebody")
    assert "1 row: 0 added, 1 changed" in cli.done("import", "voices.csv").err
    assert cli.done("show", voice, "--json").json()["owner"] == "林"


def test_an_unknown_column_is_told_with_one_that_may_be_meant(cli: Cli) -> None:
    Path("voices.csv").write_text("voice_id,target-modell\nv1,qwen3-tts-vd-2026-01-26\n")

    result = cli("import", "voices.csv")

    assert result.code == 2
    assert "there is no such column; did you mean target_model?" in result.err
    assert "1 of 1 row is bad" in result.err


def test_one_wrong_column_is_told_once(cli: Cli) -> None:
    rows = "".join(f"v{number},x\n" for number in range(30))
    Path("voices.csv").write_text(f"voice_id,target-modell\n{rows}")

    result = cli("import", "voices.csv")

    told, end = result.err.splitlines()
    assert told.startswith("line 2 and 29 more: target-modell: there is no such column")
    assert end.startswith("nothing was changed: 30 of 30 rows are bad")


@pytest.mark.parametrize("name", ["voices.yaml", "voices.json", "voices.xlsx"])
def test_what_an_ending_promises_is_not_broken(cli: Cli, name: str) -> None:
    assert_refused(cli("export", "-o", name), 2, "name it .jsonl or .csv")
    assert not Path(name).exists()
    cli.done("export", "-o", name, "--format", "jsonl")
