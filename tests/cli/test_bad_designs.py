"""Designs that break a documented limit: refused here, with nothing sent and nothing recorded."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import assert_refused, creating

COSY, QWEN = "cosyvoice", "qwen-tts"

BROKEN = [
    (COSY, {"prompt": "a" * 501}, "prompt: it has 501 characters; at most 500"),
    (COSY, {"prompt": ""}, "prompt: it is empty"),
    (COSY, {"prompt": "  "}, "prompt: it is empty"),
    (COSY, {"prompt": "Спокойный голос"}, "prompt: character 1"),
    (COSY, {"preview_text": "a" * 201}, "preview-text: it has 201 characters; at most 200"),
    (COSY, {"preview_text": ""}, "preview-text: it is empty"),
    (COSY, {"preview_text": "こんにちは"}, "preview-text: character 1"),
    (COSY, {"name": "a" * 11}, "name: cosyvoice takes 1 to 10 letters and digits"),
    (COSY, {"name": "a_b"}, "name: cosyvoice takes 1 to 10 letters and digits"),
    (COSY, {"name": ""}, "name: cosyvoice takes 1 to 10"),
    (QWEN, {"prompt": "a" * 2049}, "prompt: it has 2049 characters; at most 2048"),
    (QWEN, {"preview_text": "a" * 1025}, "preview-text: it has 1025 characters; at most 1024"),
    (QWEN, {"preview_text": "مرحبا"}, "preview-text: character 1"),
    (QWEN, {"name": "a" * 17}, "name: qwen-tts takes 1 to 16 letters, digits and underscores"),
    (QWEN, {"name": "a-b"}, "name: qwen-tts takes 1 to 16"),
    (COSY, {"target_model": "cosyvoice-v2"}, "model: this model takes cloned voices only"),
    (QWEN, {"target_model": "qwen3-tts-vc-2026-01-22"}, "takes cloned voices only"),
    (QWEN, {"target_model": "gpt-4"}, "model: its name begins like no known family"),
    (QWEN, {"target_model": ""}, "model"),
    (QWEN, {"prompt": "half of a pair: \udcff"}, "prompt: it is not valid Unicode"),
]
WRONG_OPTIONS = [
    (COSY, ("--sample-rate", "8000"), "sample-rate: cosyvoice takes 16000, 24000, 48000"),
    (QWEN, ("--sample-rate", "22050"), "sample-rate: qwen-tts takes 8000, 16000, 24000, 48000"),
    (QWEN, ("--sample-rate", "-1"), "sample-rate"),
    (COSY, ("--response-format", "opus"), "response-format: cosyvoice takes mp3, pcm, wav"),
    (QWEN, ("--response-format", "flac"), "response-format: qwen-tts takes mp3, opus, pcm, wav"),
    (COSY, ("--language", "de"), "language: cosyvoice takes en, zh"),
    (QWEN, ("--language", "nl"), "language: qwen-tts takes"),
    (QWEN, ("--family", COSY), "family: the model qwen3-tts-vd-2026-01-26 belongs to qwen-tts"),
    (QWEN, ("--tag", " =x"), "tag: a key is not empty"),
    (QWEN, ("--note", "n" * 10_001), "note: it has 10001 characters"),
    (QWEN, ("--owner", "o" * 201), "owner: it has 201 characters"),
]


@pytest.mark.parametrize(("family", "changed", "said"), BROKEN)
def test_a_value_past_its_limit_is_refused(
    cli: Cli, family: str, changed: dict[str, str], said: str
) -> None:
    before = cli.content()

    assert_refused(cli(*creating(family, **changed)), 2, said)
    assert_refused(cli(*creating(family, "--dry-run", **changed)), 2, said)

    assert cli.content() == before
    assert cli.actions == []


@pytest.mark.parametrize(("family", "options", "said"), WRONG_OPTIONS)
def test_an_option_past_its_limit_is_refused(
    cli: Cli, family: str, options: tuple[str, ...], said: str
) -> None:
    before = cli.content()

    assert_refused(cli(*creating(family, *options)), 2, said)

    assert cli.content() == before
    assert cli.actions == []


@pytest.mark.parametrize(
    ("family", "changed"),
    [
        (COSY, {"prompt": "a" * 500, "preview_text": "b" * 200, "name": "c" * 10}),
        (QWEN, {"prompt": "a" * 2048, "preview_text": "b" * 1024, "name": "c" * 16}),
    ],
)
def test_the_limits_themselves_are_allowed(cli: Cli, family: str, changed: dict[str, str]) -> None:
    cli.done(*creating(family, **changed))


def test_all_that_is_wrong_is_said_in_one_line(cli: Cli) -> None:
    result = cli(*creating(COSY, "--language", "xx", name="not a name", prompt=""))

    assert_refused(result, 2, "prompt: ", "name: ", "language: ")
    assert len(result.err.splitlines()) == 1


def test_a_long_value_is_not_repeated_whole(cli: Cli) -> None:
    result = cli(*creating(COSY, prompt="a" * 5000))

    assert_refused(result, 2, "it has 5000 characters")
    assert len(result.err) < 200


def test_cosyvoice_is_designed_in_one_region_only(cli: Cli) -> None:
    cli.done("account", "add", "abroad", "--region", "ap-southeast-1")
    before = cli.content()

    assert_refused(
        cli("-a", "abroad", *creating(COSY)),
        2,
        "region: cosyvoice voices can be designed in cn-beijing only (given: ap-southeast-1)",
    )

    assert cli.content() == before
    assert cli.actions == []


def test_unchecked_leaves_the_rules_to_the_provider(cli: Cli) -> None:
    result = cli("-q", *creating(COSY, "--unchecked", name="much-too-long-a-name"))

    assert_refused(result, 5, "the provider does not take a value")
    assert cli.actions == ["create_voice"]


def test_what_no_database_can_hold_is_refused_unchecked_as_well(cli: Cli) -> None:
    assert_refused(cli(*creating(QWEN, "--unchecked", prompt="\udcff")), 2, "prompt")
    assert cli.actions == []


def test_a_preview_file_that_cannot_be_written_is_refused_before_anything_is_sent(cli: Cli) -> None:
    before = cli.content()

    for file in ("no/such/directory/p.wav", "."):
        assert_refused(cli(*creating(QWEN, "--preview", file)), 2, "file: ")

    assert cli.content() == before
    assert cli.actions == []
