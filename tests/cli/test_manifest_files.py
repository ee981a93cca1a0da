"""Manifests as files: the same in every format, and refused where they say nothing for certain."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from voicereg.cli.manifest_files import FORMATS, form_of, read_document
from voicereg.domain.errors import InvalidInput
from voicereg.domain.manifests import Document, read_manifest

MODEL = "qwen3-tts-vd-2026-01-26"
VOICES: dict[str, dict[str, Any]] = {
    "news": {
        "target_model": MODEL,
        "prompt": "A calm voice,\nunhurried.",
        "preview_text": "Good evening.",
        "tags": {"team": "news", "of": "a"},
        "pinned": True,
    },
    "晚间 新闻": {
        "target_model": MODEL,
        "prompt": "沉稳的男声：“语速”平缓，#1",
        "preview_text": "各位听众，晚上好。",
        "name": "evening",
        "language": "zh",
    },
    "0012": {
        "target_model": "cosyvoice-v3.5-plus",
        "prompt": "true",
        "preview_text": "12:30",
        "owner": "=radio",
        "note": 'a "quoted" one, and more',
    },
    "several": {
        "target_model": MODEL,
        "prompt": "{}",
        "preview_text": "[a]",
        "alias": "narrator",
        "candidates": 3,
    },
    "there": {"voice_id": "qwen-tts-vd-1a2b"},
}
YAML = yaml.safe_dump({"voices": VOICES}, allow_unicode=True, sort_keys=False)
TOML = "".join(
    f"[voices.{json.dumps(key)}]\n"
    + "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n"
        if name != "tags"
        else "tags = {team = 'news', of = 'a'}\n"
        for name, value in fields.items()
    )
    for key, fields in VOICES.items()
)
CSV = """\
key,target_model,prompt,preview_text,tags,pinned,name,language,owner,note,alias,candidates,voice_id
news,qwen3-tts-vd-2026-01-26,"A calm voice,
unhurried.",Good evening.,"{""team"": ""news"", ""of"": ""a""}",true,,,,,,,
晚间 新闻,qwen3-tts-vd-2026-01-26,沉稳的男声：“语速”平缓，#1,各位听众，晚上好。,,,evening,zh,,,,,
0012,cosyvoice-v3.5-plus,true,12:30,,,,,'=radio,"a ""quoted"" one, and more",,,
several,qwen3-tts-vd-2026-01-26,{},[a],,,,,,,narrator,3,
there,,,,,,,,,,,,qwen-tts-vd-1a2b
"""
FILES = {
    "yaml": YAML,
    "toml": TOML,
    "json": json.dumps({"voices": VOICES}),
    "jsonl": "".join(
        json.dumps({"key": key} | fields, ensure_ascii=False) + "\n"
        for key, fields in VOICES.items()
    ),
    "csv": CSV,
}


def read(text: str | bytes, form: str = "yaml") -> Document:
    return read_document(io.BytesIO(text.encode() if isinstance(text, str) else text), form)


def refused(text: str | bytes, form: str = "yaml") -> str:
    """Why a file is none."""
    with pytest.raises(InvalidInput) as error:
        read(text, form)
    (problem,) = error.value.problems
    assert problem.where == "file"
    assert "\n" not in problem.rule
    return problem.rule


def voices(document: Document) -> dict[str, Any]:
    return {voice.key: voice.fields for voice in document.voices}


def lines(document: Document) -> list[int | None]:
    return [voice.line for voice in document.voices]


# --- the same in every format -----------------------------------------------------------------


def test_the_five_formats_are_those() -> None:
    assert set(FILES) == set(FORMATS)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("begins", ["", "\ufeff"])
def test_the_same_voices(form: str, ends: str, begins: str) -> None:
    document = read(begins + FILES[form].replace("\n", ends), form)

    if form != "csv":  # whose cells are texts
        assert voices(document) == VOICES
    assert set(document.top) <= {"voices"}
    manifest = read_manifest(document)
    assert manifest.problems == ()
    plain = read_manifest(read(FILES["json"], "json"))
    assert [(one.key, one.design, one.labels) for one in manifest.entries] == [
        (one.key, one.design, one.labels) for one in plain.entries
    ]
    assert [(one.alias, one.candidates, one.voice_id) for one in manifest.entries] == [
        (one.alias, one.candidates, one.voice_id) for one in plain.entries
    ]


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("is_top", [True, False])
def test_voices_in_a_list_that_carry_their_keys(form: str, is_top: bool) -> None:
    given = [{"key": key} | fields for key, fields in VOICES.items()]

    document = read(json.dumps(given if is_top else {"voices": given}), form)

    assert voices(document) == VOICES


def test_a_list_of_tables() -> None:
    text = "[[voices]]\nkey = 'a'\nowner = 'x'\n[[voices]]\nkey = 'b'\n"

    assert voices(read(text, "toml")) == {"a": {"owner": "x"}, "b": {}}


def test_what_stands_beside_the_voices() -> None:
    for form, text in (
        ("yaml", "set: radio\ndefaults: {owner: a}\nvoices: {a: {}}\n"),
        ("toml", "set = 'radio'\ndefaults.owner = 'a'\nvoices.a = {}\n"),
        ("json", '{"set": "radio", "defaults": {"owner": "a"}, "voices": {"a": {}}}'),
    ):
        document = read(text, form)
        assert document.top["set"] == "radio"
        assert document.top["defaults"] == {"owner": "a"}
        assert voices(document) == {"a": {}}


def test_a_null_is_said_and_an_empty_cell_says_nothing() -> None:
    assert voices(read('{"key": "a", "owner": null, "note": ""}\n', "jsonl")) == {
        "a": {"owner": None, "note": ""}
    }
    assert voices(read('{"voices": {"a": {"owner": null, "note": ""}}}', "json")) == {
        "a": {"owner": None, "note": ""}
    }
    assert voices(read('key,owner,note\na,,""""""\n', "csv")) == {"a": {}}


# --- lines ------------------------------------------------------------------------------------


def test_lines_of_yaml() -> None:
    text = "# all\nset: a\n\nvoices:\n  a:\n    prompt: |\n      x\n      y\n\n  b: {}\n"

    assert lines(read(text)) == [5, 10]
    assert lines(read("- key: a\n  owner: x\n\n- key: b\n")) == [1, 4]


def test_lines_of_tables() -> None:
    assert lines(read(CSV, "csv")) == [2, 4, 5, 6, 7]
    assert lines(read(FILES["jsonl"].replace("\n", "\n\n"), "jsonl")) == [1, 3, 5, 7, 9]


@pytest.mark.parametrize("form", ["toml", "json"])
def test_where_no_line_is_known(form: str) -> None:
    assert set(lines(read(FILES[form], form))) == {None}


def test_no_line_rather_than_a_wrong_one() -> None:
    """Of voices that others bring, nobody knows where they begin."""
    document = read("x: &x {a: {}, b: {}}\nvoices:\n  <<: *x\n  c: {}\n")

    assert set(voices(document)) == {"a", "b", "c"}
    assert lines(document) == [None] * 3


# --- what stands twice ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("yaml", "voices:\n  a: {}\n  b: {}\n  a: {}\n", "line 4: a is there twice"),
        ("yaml", "voices: {}\nset: a\nvoices: {}\n", "line 3: voices is there twice"),
        ("yaml", "voices:\n  a:\n    tags: {x: '1',\n      x: '2'}\n", "line 4: x is there twice"),
        ("yaml", "- key: a\n  owner: x\n  owner: y\n", "line 3: owner is there twice"),
        ("yaml", "voices:\n  'a': {}\n  \"a\": {}\n", "line 3: a is there twice"),
        ("json", '{"voices": {"a": {}, "a": {}}}', "a is there twice in one object"),
        ("json", '{"voices": {"a": {"tags": {"x": "1", "x": "1"}}}}', "x is there twice"),
        ("toml", "[voices.a]\n[voices.a]\n", "twice"),
        ("toml", "[voices.a]\nowner = 'x'\nowner = 'y'\n", "Cannot overwrite a value"),
        ("csv", "key,owner,owner\na,b,c\n", "this column is there twice"),
    ],
)
def test_what_stands_twice(form: str, text: str, said: str) -> None:
    assert said in refused(text, form)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_key_of_two_rows_is_told_of_with_both_lines(form: str) -> None:
    text = {"csv": "key,voice_id\na,v1\na,v2\n", "jsonl": '\n{"key": "a"}\n{"key": "a"}\n'}

    document = read(text[form], form)

    assert [voice.key for voice in document.voices] == ["a", "a"]
    assert lines(document) == [2, 3]


def test_what_is_merged_can_be_said_again() -> None:
    text = "x: &x {owner: a, note: n}\nvoices:\n  a: {<<: *x, owner: b}\n  b: *x\n"

    assert voices(read(text)) == {
        "a": {"owner": "b", "note": "n"},
        "b": {"owner": "a", "note": "n"},
    }


# --- files that are none ----------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_not_utf_8(form: str) -> None:
    assert refused(b"# a\n# b\n\xff: 1\n", form) == "line 3 is not UTF-8"


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("yaml", "voices:\n  a: {owner: 'x", "line 2: it is no YAML: while scanning a quoted"),
        ("yaml", "voices:\n\ta: {}\n", "line 2: it is no YAML: "),
        ("yaml", "voices: {}\n---\nvoices: {}\n", "expected a single document"),
        ("yaml", "voices: *nobody\n", "line 1: it is no YAML: found undefined alias"),
        ("yaml", "voices: {[a]: b}\n", "found unhashable key"),
        ("yaml", "a\x07b", "it is no YAML: unacceptable character #x0007"),
        ("yaml", "a: 2026-13-45\n", "it is no YAML: month must be in 1..12"),
        ("yaml", "a: " + "9" * 5_000 + "\n", "it is no YAML: Exceeds the limit"),
        ("toml", "[voices.a]\nowner = 'x", "it is no TOML: "),
        ("toml", "voices = \n", "it is no TOML: Invalid value (at line 1"),
        ("toml", "a = " + "9" * 5_000, "it is no TOML: Exceeds the limit"),
        ("json", '{"voices": {"a": {"owner": "x', "it is no JSON: Unterminated string"),
        ("json", "", "it is no JSON: Expecting value"),
        ("json", '{"a": ' + "9" * 5_000 + "}", "it is no JSON: Exceeds the limit"),
        ("jsonl", '{"key": "a"}\n{"key":\n', "line 2: it is no JSON"),
        ("jsonl", '{"key": "a"}\n[]\n', "line 2: it is no JSON object"),
        ("csv", "key,owner\na\n", "line 2: it has 1 cells; the first line has 2"),
        ("csv", 'key,owner\na,"b\n', "line 2: it is no CSV: "),
        ("csv", "", "it is empty"),
        ("jsonl", "\n\n", "it is empty"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_broken_files(form: str, text: str, said: str) -> None:
    assert said in refused(text, form)


@pytest.mark.parametrize("form", ["yaml", "json", "toml"])
def test_values_that_are_no_voices(form: str) -> None:
    for value, said in (
        ("a", "voices: they are a key each"),
        (5, "voices: they are a key each"),
        (["a"], "voices: each is a key and its fields"),
        ([["a"]], "voices: each is a key and its fields"),
    ):
        text = f"voices = {json.dumps(value)}" if form == "toml" else json.dumps({"voices": value})
        assert said in refused(text, form)


@pytest.mark.parametrize("text", ["a text", "5", "true", "null", '"x"'])
def test_a_scalar_at_the_top(text: str) -> None:
    assert refused(text) == "it has voices: below it, each by its key"
    if text != "a text":
        assert refused(text, "json") == "it has voices: below it, each by its key"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yaml", ""),
        ("yaml", "# nothing\n\n"),
        ("yaml", "voices:\n"),
        ("yaml", "[]"),
        ("toml", ""),
        ("json", "{}"),
        ("json", '{"voices": null}'),
        ("csv", "key,owner\n"),
    ],
)
def test_a_file_of_no_voices_is_told_of_as_such(form: str, text: str) -> None:
    document = read(text, form)

    assert document.voices == []
    assert [problem.why[:23] for problem in read_manifest(document).problems] == [
        "voices: there are none:"
    ]


# --- files that would do harm -----------------------------------------------------------------


@pytest.mark.parametrize(
    "tag",
    ["!!python/object/apply:os.system ['id']", "!!python/name:os.system", "!mine {}", "!!map []"],
)
def test_tags_make_nothing(tag: str) -> None:
    assert "it is no YAML: " in refused(f"voices: {tag}\n")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yaml", "[" * 200_000),
        ("yaml", "a: " + "{a: " * 200_000),
        ("yaml", "- " * 50_000),
        ("json", "[" * 200_000),
        ("json", '{"a":' * 200_000),
        ("toml", "a = " + "[" * 200_000),
    ],
    ids=["yaml lists", "yaml mappings", "yaml blocks", "json lists", "json objects", "toml lists"],
)
def test_what_is_nested_without_end(form: str, text: str) -> None:
    """The YAML parser's own recursion would end the process, and not with an error."""
    assert "it is nested too deeply" in refused(text, form)


def grown(line: str, last: str) -> str:
    """Each of ten lines holds the one before it nine times."""
    found = "a: &a {x: '1'}\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True):
        found += f"{name}: &{name} " + line.format(", ".join([f"*{before}"] * 9)) + "\n"
    return found + last


@pytest.mark.parametrize("field", ["prompt", "family", "pinned", "tags", "sample_rate"])
def test_a_billion_laughs(field: str) -> None:
    text = grown("[{}]", f"voices:\n  news: {{{field}: *j}}\n")

    problems = read_manifest(read(text)).problems

    assert all(len(str(problem)) < 200 for problem in problems)
    assert field in {problem.why.split(":")[0] for problem in problems if problem.key == "news"}


def test_a_billion_merges() -> None:
    said = refused(grown("{{<<: [{}]}}", "voices: {news: *j}\n"))

    assert said == "line 5: << brings more than 1,000 keys here"


@pytest.mark.parametrize(
    "text", ["&a [*a]", "voices: &a {<<: *a}\n", "voices: &a {a: {tags: *a}}\n"]
)
def test_what_holds_itself(text: str) -> None:
    try:
        problems = [str(problem) for problem in read_manifest(read(text)).problems]
    except InvalidInput as error:
        problems = [str(error)]
    assert problems
    assert all(len(problem) < 200 for problem in problems)


def test_without_the_compiled_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)

    assert voices(read(YAML)) == VOICES
    assert "nested too deeply" in refused("[" * 5_000)
    assert "unacceptable character" in refused("a\x07b")
    assert "line 4: a is there twice" in refused("voices:\n  a: {}\n  b: {}\n  a: {}\n")


# --- what a file is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said", "form"),
    [
        ("voices.yaml", None, "yaml"),
        ("voices.YML", None, "yaml"),
        ("voices.toml", None, "toml"),
        ("voices.json", None, "json"),
        ("voices.jsonl", None, "jsonl"),
        ("voices.csv", None, "csv"),
        ("-", "yaml", "yaml"),
        ("voices.json", "yaml", "yaml"),
    ],
)
def test_the_format(name: str, said: str | None, form: str) -> None:
    assert form_of(Path(name), said) == form


@pytest.mark.parametrize("name", ["-", "voices", "voices.txt", ".yaml"])
def test_no_format(name: str) -> None:
    with pytest.raises(InvalidInput, match="--format says it: yaml, toml, json, jsonl, csv"):
        form_of(Path(name), None)
