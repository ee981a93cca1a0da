"""Where warnings go; and that nobody reads the URL in a terminal or a log."""

from __future__ import annotations

import pytest

from voicereg import InvalidInput
from voicereg.domain.families import Family
from voicereg.domain.messages import Language
from voicereg.domain.routes import TagFilter, VoiceRule
from voicereg.settings import ChannelSettings

from .conftest import Write, loaded, refused

PASSWORD = "tr0ub4dor"
URL = f"mailto://user:{PASSWORD}@host"
ONE = "[[channel]]\nname = 'mail'\nurl = 'mailto://host'\n"


def test_a_channel_with_everything_that_there_is(write: Write) -> None:
    path = write(
        f"""
        [[channel]]
        name = "配音 mail"
        url = "{URL}"
        owner = "studio"
        tag = "use=production=1"
        family = "qwen-tts"
        account = "beijing"
        language = "zh"
        """
    )

    assert loaded(path).channels == (
        ChannelSettings(
            name="配音 mail",
            url=URL,
            rule=VoiceRule(
                owner="studio",
                tag=TagFilter("use", "production=1"),
                family=Family.QWEN_TTS,
                account="beijing",
            ),
            language=Language.CHINESE,
        ),
    )


def test_channels_stay_in_their_order(write: Write) -> None:
    path = write("".join(f"[[channel]]\nname = '{name}'\nurl = 'env:URL'\n" for name in "cab"))

    channels = loaded(path).channels

    assert [channel.name for channel in channels] == ["c", "a", "b"]
    assert {channel.url for channel in channels} == {"env:URL"}
    assert {channel.rule for channel in channels} == {VoiceRule()}
    assert {channel.language for channel in channels} == {None}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("live", TagFilter("live", None)),
        ("live=yes", TagFilter("live", "yes")),
        ("live=", TagFilter("live", "")),
    ],
)
def test_a_tag_has_its_value_or_any(write: Write, text: str, meant: TagFilter) -> None:
    (channel,) = loaded(write(f"{ONE}tag = '{text}'")).channels

    assert channel.rule.tag == meant


@pytest.mark.parametrize("key", ["name", "url"])
def test_name_and_url_must_be_there(write: Write, key: str) -> None:
    path = write("\n".join(line for line in ONE.splitlines() if not line.startswith(key)))

    (problem,) = refused(path)

    assert (problem.where, problem.rule) == (f"{path}: channel[1].{key}", "it must be set")


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("name", "1", "it must be a text"),
        ("name", "''", "it must not be empty"),
        ("name", "'  '", "it must not be empty"),
        ("name", "' mail'", "without space around it"),
        ("name", "'mail '", "without space around it"),
        ("name", '"a\\nb"', "it must be printable"),
        ("name", '"a\\u001bb"', "it must be printable"),
        ("name", f"'{'x' * 101}'", "it has 101 characters; at most 100"),
        ("name", f"'{URL}'", "no URL"),
        ("owner", "1", "it must be a text"),
        ("owner", "''", "it must not be empty"),
        ("owner", '"a\\u0000"', "it holds a NUL"),
        ("account", "['a']", "it must be a text"),
        ("account", "''", "it must not be empty"),
        ("family", "'qwen'", "it must be one of cosyvoice, qwen-tts"),
        ("family", "1", "it must be one of cosyvoice, qwen-tts"),
        ("language", "'de'", "it must be one of en, zh"),
        ("tag", "''", "it must not be empty"),
        ("tag", "'=x'", "it must be KEY or KEY=VALUE"),
        ("tag", "' live=yes'", "it must be KEY or KEY=VALUE"),
        ("tag", "{ live = 'yes' }", "it must be a text"),
        ("model", "'m'", "there is no such setting"),
        ("ownr", "'studio'", "there is no such setting"),
    ],
)
def test_what_does_not_fit_is_named_with_its_channel(
    write: Write, key: str, value: str, rule: str
) -> None:
    lines = [line for line in ONE.splitlines() if not line.startswith(key)]
    second = "\n".join([*lines, f"{key} = {value}"])
    path = write(f"[[channel]]\nname = 'other'\nurl = 'env:OTHER'\n{second}")

    (problem,) = refused(path)

    assert problem.where == f"{path}: channel[2].{key}"
    assert rule in problem.rule


def test_a_name_of_one_hundred_characters_is_taken(write: Write) -> None:
    (channel,) = loaded(write(ONE.replace("'mail'", f"'{'x' * 100}'"))).channels

    assert len(channel.name) == 100


def test_two_channels_have_two_names(write: Write) -> None:
    path = write(ONE + ONE.replace("'mail'", "'chat'") + ONE)

    (problem,) = refused(path)

    assert (problem.where, problem.value) == (f"{path}: channel[3].name", "mail")
    assert problem.rule == "another channel has this name"


@pytest.mark.parametrize("content", ["[channel]\nname = 'a'", "channel = { name = 'a' }"])
def test_a_single_table_is_told_how_to_be_an_array(write: Write, content: str) -> None:
    path = write(content)

    (problem,) = refused(path)

    assert (problem.where, problem.rule) == (
        f"{path}: channel",
        "it must be written [[channel]], once for each",
    )


def test_an_array_of_something_else_is_refused(write: Write) -> None:
    path = write("channel = [{ name = 'a', url = 'b' }, 'mail']")

    (problem,) = refused(path)

    assert (problem.where, problem.value) == (f"{path}: channel[2]", "mail")
    assert "[[channel]]" in problem.rule


@pytest.mark.parametrize(
    "value", ["1", "true", "''", "'  '", f"['{URL}']", f"{{ a = '{URL}' }}", "2027-03-01"]
)
def test_a_url_is_a_text(write: Write, value: str) -> None:
    path = write(f"[[channel]]\nname = 'mail'\nurl = {value}")

    (problem,) = refused(path)

    assert (problem.where, problem.value) == (f"{path}: channel[1].url", "")
    assert "a text" in problem.rule


def test_a_url_is_never_shown(write: Write) -> None:
    settings = loaded(
        write(f"database = 'postgresql://u:{PASSWORD}@h/v'\n[[channel]]\nname = 'm'\nurl = '{URL}'")
    )

    assert settings.channels[0].url == URL
    assert PASSWORD not in repr(settings)
    assert PASSWORD not in str(settings.channels)


@pytest.mark.parametrize(
    "content",
    [
        f"channel = '{URL}'",
        f"channel = ['{URL}']",
        f"channel = {{ url = '{URL}' }}",
        f"[channel]\nurl = '{URL}'",
        f"[[channel]]\nurl = '{URL}'",
        f"[[channel]]\nname = '{URL}'",
        f"[[channel]]\nname = '{URL}'\nurl = 'env:A'",
        f"[[channel]]\nname = 'a'\nurl = ['{URL}']",
        f"[[channel]]\nname = 'a'\nurl = {{ a = '{URL}' }}",
        f"[[channel]]\nname = 'a'\nulr = '{URL}'",
        f"[[channel]]\nname = 'a'\nurl = 'env:A'\n'{URL}' = 1",
        f"[[channel]]\nname = 'a'\nurl = '{URL}'\n[[channel]]\nname = 'a'\nurl = '{URL}'",
        f"[[channel]]\nname = 'a'\nurl = '{URL}'\nlanguage = '{URL}'",
        f"[[channel]]\nname = 'a'\nurl = '{URL}'\nfamily = '{URL}'",
        f"[[channel]]\nname = 'a'\nurl = '{URL}'\ntag = '={URL}'",
        f"[[channel]]\nname = 'a'\nurl = '{URL}",
        f"[[channel]]\nname = 'a'\nurl = {URL}",
        f"[[channel]]\nname = 'a'\nurl = '{URL}'\nurl = '{URL}'",
        f"warn = '{URL}'",
        f"[[warn]]\nurl = '{URL}'",
        f"[warn]\nurl = '{URL}'",
        f"[warn]\nmarks = '{URL}'",
        f"[warn]\nmarks = ['{URL}']",
        f"[keep_alive]\nwithin = '{URL}'",
        f"[keep_alive]\nrules = ['{URL}']",
        f"[[retiring]]\nmodel = 'a'\non = '{URL}'",
        f"[schedule]\nround = '{URL}'",
        f"[prune]\nafter = '{URL}'",
        f"[metrics]\nport = '{URL}'",
        f"[create]\nsettle_after = '{URL}'",
        f"[create]\nmark_names = ['{URL}']",
        f"[quota]\nwarning = '{URL}'",
    ],
)
def test_a_mistake_anywhere_gives_no_url_away(write: Write, content: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        loaded(write(content))

    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(caught.value)
    assert PASSWORD not in repr(caught.value.problems)
