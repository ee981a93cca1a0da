"""What a manifest declares: every field, every wrong value, and what it is told by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from voicereg.domain.families import Family
from voicereg.domain.manifests import (
    FIELDS,
    MOST_CANDIDATES,
    Document,
    Entry,
    Given,
    Manifest,
    ManifestProblem,
    read_manifest,
)

MODEL = "qwen3-tts-vd-2026-01-26"
LEAST = {"target_model": MODEL, "prompt": "A calm voice.", "preview_text": "Good evening."}


def manifest(*voices: Given, **top: Any) -> Manifest:
    return read_manifest(Document(top, voices))


def one(key: Any = "news", /, **fields: Any) -> Given:
    return Given(key, LEAST | fields, 7)


def entry(given: Given, **top: Any) -> Entry:
    """The one voice of a manifest without problems."""
    read = manifest(given, **top)
    assert read.problems == ()
    (found,) = read.entries
    return found


def whys(given: Given, **top: Any) -> list[str]:
    """What is wrong with a manifest of one voice."""
    return [problem.why for problem in manifest(given, **top).problems]


# --- what is declared -------------------------------------------------------------------------


def test_every_field() -> None:
    found = entry(
        one(
            family="qwen-tts",
            name="news_1",
            language="en",
            sample_rate=24000,
            response_format="mp3",
            tags={"team": "news"},
            owner="radio",
            note="of the evening",
            pinned=True,
            alias="narrator",
            candidates=3,
        )
    )

    assert (found.key, found.line) == ("news", 7)
    assert found.design == LEAST | {
        "family": Family.QWEN_TTS,
        "name": "news_1",
        "language": "en",
        "sample_rate": 24000,
        "response_format": "mp3",
    }
    assert found.labels == {
        "tags": {"team": "news"},
        "owner": "radio",
        "note": "of the evening",
        "pinned": True,
    }
    assert (found.alias, found.candidates, found.voice_id) == ("narrator", 3, None)


def test_what_is_not_said_is_not_touched() -> None:
    found = entry(one())

    assert found.design == LEAST
    assert found.labels == {}
    assert (found.alias, found.candidates, found.voice_id) == (None, 1, None)


def test_of_labels_there_can_be_none() -> None:
    assert entry(one(owner=None, note="", tags={}, pinned=False)).labels == {
        "owner": None,
        "note": None,
        "tags": {},
        "pinned": False,
    }


def test_a_null_says_nothing_where_there_is_no_none() -> None:
    names = set(FIELDS) - {*LEAST, "owner", "note"}

    assert entry(one(**dict.fromkeys(names))) == entry(one())


def test_a_voice_that_is_there_needs_no_design() -> None:
    found = entry(Given("news", {"voice_id": "qwen-tts-vd-1a2b", "owner": "radio"}))

    assert found.voice_id == "qwen-tts-vd-1a2b"
    assert found.lacks == ["target_model", "prompt", "preview_text"]


@pytest.mark.parametrize("missing", ["target_model", "prompt", "preview_text"])
@pytest.mark.parametrize("nothing", [None, "", " \n"])
def test_what_a_voice_is_made_from_is_needed(missing: str, nothing: str | None) -> None:
    assert whys(one(**{missing: nothing})) == [f"{missing}: it is missing"]


def test_a_block_of_lines_and_its_last_end() -> None:
    found = entry(one(prompt="沉稳的男声，\n语速平缓。\n", note="a\r\nb\r\n"))

    assert found.design["prompt"] == "沉稳的男声，\n语速平缓。"
    assert found.labels["note"] == "a\nb"


@pytest.mark.parametrize(
    ("given", "read"),
    [("yes", True), ("No", False), ("TRUE", True), ("0", False), (1, True), (False, False)],
)
def test_truths(given: Any, read: bool) -> None:
    assert entry(one(pinned=given)).labels == {"pinned": read}


def test_numbers_of_a_table_are_texts() -> None:
    found = entry(one(candidates="3", sample_rate="24000"))

    assert (found.candidates, found.design["sample_rate"]) == (3, 24000)


# --- keys and sets ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["news", "晚间新闻", "evening news", "a.b-c_d", "k" * 200])
def test_keys(key: str) -> None:
    assert entry(one(key)).key == key
    assert entry(one(key[:100]), set="台").key == f"台/{key[:100]}"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (None, "a voice has a key, which is a text: quote it"),
        ("", "a voice has a key, which is a text: quote it"),
        (7, "quote it (given: 7)"),
        (True, "quote it (given: True)"),
        (date(2026, 11, 23), "quote it (given: 2026-11-23)"),
        (["a"], "quote it"),
        (" news", "no space around it"),
        ("news\n", "no space around it"),
        ("ne\x07ws", "nothing invisible"),
        ("ne\x00ws", "NUL"),
        ("\ud800", "not valid Unicode"),
        ("k" * 201, "at most 200 are kept"),
        ("set/news", "it has no / in it: that stands after a set's name"),
        ("/news", "at most the / after its set"),
        ("a/b/c", "at most the / after its set"),
    ],
)
def test_no_keys(key: Any, said: str) -> None:
    (why,) = whys(one(key))

    assert why.startswith("key: ")
    assert said in why


def test_a_key_is_not_too_long_with_its_set_either() -> None:
    (why,) = whys(one("k" * 150), set="s" * 50)

    assert "it has 201 characters; at most 200 are kept" in why


@pytest.mark.parametrize("name", ["a/b", " a", "a\n", "s" * 201])
def test_no_sets(name: str) -> None:
    assert whys(one(), set=name) == ["set: it has no / in it, and no space around it"]


def test_the_name_that_a_voice_gets_unless_said_is_its_key() -> None:
    assert entry(one(), set="radio").asked(replaces=None, unchecked=False)["name"] == "news"
    assert entry(one(name="other")).asked(replaces=None, unchecked=False)["name"] == "other"


def test_what_is_asked_for() -> None:
    found = entry(one(tags={"a": "b"}, pinned=True, alias="narrator", candidates=2), set="radio")

    assert found.asked(replaces="v-0", unchecked=True) == LEAST | {
        "name": "news",
        "tags": {"a": "b"},
        "owner": None,
        "note": None,
        "pin": True,
        "replaces": "v-0",
        "again": True,
        "manifest_key": "radio/news",
        "candidates": 2,
        "candidate_alias": "narrator",
        "unchecked": True,
    }


# --- wrong values -----------------------------------------------------------------------------

TEXTS = ("target_model", "prompt", "preview_text", "name", "language", "response_format", "owner")


@pytest.mark.parametrize("name", [*TEXTS, "note", "alias", "voice_id"])
@pytest.mark.parametrize(
    "value", [12, 1.5, True, date(2026, 11, 23), datetime(2026, 11, 23, 9, tzinfo=UTC)], ids=str
)
def test_what_yaml_takes_for_something_else(name: str, value: Any) -> None:
    assert f"{name}: it is no text: put it in quotes (given: {value})" in whys(one(**{name: value}))


WRONG: list[tuple[Mapping[str, Any], str]] = [
    ({"prompt": ["a"]}, "prompt: it is not a text"),
    ({"prompt": {"a": "b"}}, "prompt: it is not a text"),
    ({"prompt": b"a"}, "prompt: it is not a text"),
    ({"prompt": 16**9_999}, "prompt: it is no text: put it in quotes"),
    ({"prompt": "a\x00"}, "prompt: it holds a NUL character"),
    ({"prompt": "\ud800"}, "prompt: it is not valid Unicode"),
    ({"prompt": "a" * 10_001}, "prompt: it has 10001 characters; at most 10000 are kept"),
    ({"owner": "a" * 201}, "owner: it has 201 characters; at most 200 are kept"),
    ({"family": "qwen"}, "family: it is one of cosyvoice, qwen-tts (given: qwen)"),
    ({"family": 1}, "family: it is one of cosyvoice, qwen-tts (given: 1)"),
    ({"sample_rate": "fast"}, "sample_rate: it is no number above zero (given: fast)"),
    ({"sample_rate": 0}, "sample_rate: it is no number above zero (given: 0)"),
    ({"sample_rate": True}, "sample_rate: it is no number above zero (given: True)"),
    ({"candidates": 0}, "candidates: it is no number above zero (given: 0)"),
    ({"candidates": "0"}, "candidates: it is no number above zero (given: 0)"),
    ({"candidates": -1}, "candidates: it is no number above zero (given: -1)"),
    ({"candidates": 2.0}, "candidates: it is no number above zero (given: 2.0)"),
    ({"candidates": MOST_CANDIDATES + 1}, "candidates: at most 20 are made to choose from"),
    ({"pinned": "perhaps"}, "pinned: it is true or false (given: perhaps)"),
    ({"pinned": 2}, "pinned: it is true or false (given: 2)"),
    ({"pinned": 1.0}, "pinned: it is true or false (given: 1.0)"),
    ({"tags": ["news"]}, "tags: they are written as {"),
    ({"tags": {"year": 2026}}, "tags: the tag year is no text: put it in quotes"),
    ({"tags": {2026: "year"}}, "tags: the tag 2026 is no text: put it in quotes"),
    ({"tags": {"draft": None}}, "tags: the tag draft is no text: put it in quotes"),
    ({"tags": {"a=b": "c"}}, "tag: a key has no = in it (given: a=b)"),
    ({"tags": {" a": "c"}}, "tag: a key is not empty and has no space around it (given:  a)"),
    ({"alias": ""}, "alias: it takes 1 to 64 letters, digits"),
    ({"alias": "two words"}, "alias: it takes 1 to 64 letters, digits"),
    ({"voice_id": ""}, "voice_id: it is no id of a voice"),
    ({"voice_id": "two words"}, "voice_id: it is no id of a voice (given: two words)"),
    ({"voice_id": "v-1", "candidates": 2}, "candidates: a voice that is there is not one of"),
    ({"prompts": "a"}, "prompts: there is no such field; did you mean prompt?"),
    ({"Preview-Text": "a"}, "Preview-Text: there is no such field; did you mean preview_text?"),
    ({"pin": True}, "pin: there is no such field; did you mean pinned?"),
    ({"zzz": "a"}, "zzz: there is no such field; they are target_model, family, prompt,"),
]


@pytest.mark.parametrize(("fields", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_wrong_values(fields: Mapping[str, Any], said: str) -> None:
    read = manifest(one(**fields), one("other"))

    (problem,) = read.problems
    assert problem.why.startswith(said)
    assert (problem.line, problem.key) == (7, "news")
    assert str(problem).startswith("line 7, news: ")
    assert [found.key for found in read.entries] == ["other"]


def test_every_problem_of_every_voice() -> None:
    read = manifest(Given("a", {"prompt": 1, "candidates": 0}, 2), Given("b", "x", 5), one(""))

    assert [str(problem) for problem in read.problems] == [
        "line 2, a: prompt: it is no text: put it in quotes (given: 1)",
        "line 2, a: candidates: it is no number above zero (given: 0)",
        "line 2, a: target_model: it is missing",
        "line 2, a: preview_text: it is missing",
        "line 5, b: voice: it is a field and a value each (given: b)",
        "line 7, : key: a voice has a key, which is a text: quote it",
    ]


def test_the_largest_number_of_candidates() -> None:
    assert entry(one(candidates=MOST_CANDIDATES)).candidates == MOST_CANDIDATES


@pytest.mark.parametrize("name", ["prompt", "family", "pinned", "tags", "candidates", "voice_id"])
def test_what_grows_without_end_when_it_is_written_out(name: str) -> None:
    """Each list holds the one before it nine times over: as texts they fill any memory."""
    bomb: list[Any] = ["lol"]
    for _ in range(30):
        bomb = [bomb] * 9

    (why,) = whys(one(**{name: bomb}))

    assert why.startswith(f"{name}: ")
    assert len(why) < 100
    assert len(whys(one(bomb))) == 1


# --- two of which there can be one ------------------------------------------------------------


def test_a_key_an_alias_and_a_voice_are_those_of_one() -> None:
    there = {"voice_id": "qwen-1", "alias": "narrator"}
    read = manifest(Given("news", there, 2), Given("news", there, 9), Given("x", there))

    assert [str(problem) for problem in read.problems] == [
        "line 9, news: key: news, line 2, has the same one (news)",
        "line 9, news: alias: news, line 2, has the same one (narrator)",
        "line 9, news: voice_id: news, line 2, has the same one (qwen-1)",
        "x: alias: news, line 2, has the same one (narrator)",
        "x: voice_id: news, line 2, has the same one (qwen-1)",
    ]


def test_where_no_line_is_known() -> None:
    (problem,) = manifest(Given("news", LEAST), Given("news", LEAST)).problems

    assert str(problem) == "news: key: news has the same one (news)"


# --- defaults ---------------------------------------------------------------------------------


def test_defaults_are_said_of_each_that_says_nothing_else() -> None:
    common = LEAST | {"owner": "radio", "pinned": True, "tags": {"team": "news", "of": "all"}}
    read = manifest(
        Given("a", {}),
        Given("b", {"owner": None, "pinned": False, "tags": {"of": "b", "own": "1"}}),
        defaults=common,
    )

    assert read.problems == ()
    first, second = read.entries
    assert first.design == second.design == LEAST
    assert first.labels == {
        "owner": "radio",
        "pinned": True,
        "tags": {"team": "news", "of": "all"},
    }
    assert second.labels == {
        "owner": None,
        "pinned": False,
        "tags": {"team": "news", "of": "b", "own": "1"},
    }


@pytest.mark.parametrize(
    ("defaults", "said"),
    [
        (["a"], "defaults: they are a field and a value each"),
        ({"alias": "a"}, "defaults.alias: no two voices can have the same one"),
        ({"voice_id": "a"}, "defaults.voice_id: no two voices can have the same one"),
        ({"promt": "a"}, "defaults.promt: there is no such field; did you mean prompt?"),
        ({1: "a"}, "defaults.1: there is no such field; they are target_model,"),
    ],
)
def test_no_defaults(defaults: Any, said: str) -> None:
    (why,) = whys(one(), defaults=defaults)

    assert why.startswith(said)


def test_wrong_tags_of_one_voice_are_not_merged() -> None:
    (why,) = whys(one(tags=["x"]), defaults={"tags": {"a": "b"}})

    assert why.startswith("tags: they are written as {")


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("team=news", {"team": "news"}),
        ("team = news; use=ads;", {"team": "news", "use": "ads"}),
        ("草稿; 团队=新闻=晚间", {"草稿": "", "团队": "新闻=晚间"}),
    ],
)
def test_tags_as_people_type_them(typed: str, tags: dict[str, str]) -> None:
    read = manifest(one(tags=typed), defaults={"tags": {"a": "b"}})

    assert read.entries[0].labels["tags"] == {"a": "b"} | tags


# --- what stands beside the voices ------------------------------------------------------------


def test_the_top() -> None:
    read = manifest(one(), account="studio", set="radio", defaults=None)

    assert (read.account, read.set_name) == ("studio", "radio")
    assert read.entries[0].key == "radio/news"
    assert (manifest(one()).account, manifest(one()).set_name) == (None, None)


@pytest.mark.parametrize("name", ["account", "set"])
@pytest.mark.parametrize("value", [1, "", ["a"], True])
def test_what_is_no_name(name: str, value: Any) -> None:
    assert whys(one(), **{name: value}) == [f"{name}: it is not a text"]


def test_keys_at_the_top_that_there_are_not() -> None:
    read = read_manifest(Document({"voice": {}, 5: {}}, [one()]))  # type: ignore[dict-item]

    first, second = (str(problem) for problem in read.problems)
    assert first == "voice: there is no such key at the top; did you mean voices?"
    assert second.startswith("5: there is no such key at the top; they are account, set,")


def test_a_manifest_of_nothing() -> None:
    (problem,) = manifest().problems

    assert str(problem).startswith("voices: there are none")
    assert problem.as_dict() == {"line": None, "key": None, "why": problem.why}


def test_a_problem_as_an_error_carries_it() -> None:
    assert str(ManifestProblem(3, "news", "it is odd").as_problem()) == "news: it is odd"
    assert str(ManifestProblem(None, None, "it is odd").as_problem()) == "manifest: it is odd"
