"""``voicereg account`` and ``voicereg db``, on both kinds of database."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import Cli
from tests.cli.support import ACCOUNT_KEYS, UTC_TIME, assert_refused, content, execute

MISTAKEN_KEY = "sk-this-is-no-key-but-looks-like-one"


def test_an_account_from_its_beginning_to_its_end(cli_on_each: Cli) -> None:
    added = cli_on_each.done(
        *("account", "add", "studio", "--region", "ap-southeast-1", "--workspace", "ws-1"),
        *("--base-url", "https://provider.example/api/v1", "--api-key-env", "STUDIO_KEY"),
        *("--quota-group", "shared", "--limit", "cosyvoice=5", "--json"),
    ).json()
    assert added.keys() >= ACCOUNT_KEYS
    assert added["limits"] == {"cosyvoice": 5, "qwen-tts": 1000}
    assert (added["region"], added["workspace"]) == ("ap-southeast-1", "ws-1")
    assert (added["api_key_env"], added["quota_group"]) == ("STUDIO_KEY", "shared")
    assert UTC_TIME.fullmatch(added["created_at"])

    assert cli_on_each.done("account", "show", "studio", "--json").json() == added

    edited = cli_on_each.done(
        *("account", "edit", "studio", "--workspace", "", "--limit", "qwen-tts=7", "--json")
    ).json()
    assert (edited["workspace"], edited["base_url"]) == (None, added["base_url"])
    assert edited["limits"] == {"cosyvoice": 5, "qwen-tts": 7}

    names = [each["name"] for each in cli_on_each.done("account", "list", "--json").json()]
    assert names == ["default", "studio"]

    removed = cli_on_each.done("account", "remove", "studio", "--json").json()
    assert removed == edited
    assert_refused(cli_on_each("account", "show", "studio"), 4, "no account 'studio'")


def test_what_changed_is_in_the_log(cli: Cli) -> None:
    cli.done("account", "add", "studio")
    cli.done("account", "edit", "studio", "--limit", "cosyvoice=3")

    edited, added = cli.done("-a", "studio", "events", "--json").json()

    assert (added["action"], edited["action"]) == ("account.add", "account.edit")
    assert edited["after"] == {"limits": {"cosyvoice": 3, "qwen-tts": 1000}}


def test_tables_for_people(cli: Cli) -> None:
    shown = cli.done("account", "add", "studio")
    assert ["limits", "cosyvoice=1000, qwen-tts=1000"] in shown.rows()
    assert cli.done("account", "show", "studio").out == shown.out
    removed = cli.done("account", "remove", "studio")
    assert (removed.out, removed.err) == ("", "removed account studio\n")


@pytest.mark.parametrize("command", [["add", "studio"], ["edit", "default"]])
@pytest.mark.parametrize("verbosity", [[], ["-vv"]])
def test_a_key_in_place_of_its_name_is_refused_and_not_shown(
    cli_on_each: Cli, command: list[str], verbosity: list[str]
) -> None:
    before = cli_on_each.content()

    result = cli_on_each(*verbosity, "account", *command, "--api-key-env", MISTAKEN_KEY)

    assert (result.code, result.out) == (2, "")
    assert "it takes the name of an environment variable" in result.err
    assert MISTAKEN_KEY not in result.err
    assert cli_on_each.content() == before
    assert MISTAKEN_KEY not in str(before)


BAD_VALUES = [
    (["add", "studio", "--region", "eu-west-1"], "region: it must be one of cn-beijing"),
    (["add", "studio", "--region", "a.b/c", "--unchecked"], "region: it takes letters"),
    (["add", "studio", "--workspace", "evil.example/"], "workspace: it takes letters"),
    (["add", "a b"], "name: it takes 1 to 64"),
    (["add", ""], "name: it takes 1 to 64"),
    (["add", "*"], "name: it takes 1 to 64"),
    (["add", "studio", "--limit", "cosyvoice=1000001"], "limit: it is 0 to 1000000"),
    (["add", "studio", "--quota-group", "a b"], "quota-group: it takes 1 to 64"),
    (["add", "default"], "account default: it exists already"),
    (["edit", "default", "--region", ""], "region: "),
    (["edit", "default", "--api-key-env", ""], "api-key-env: "),
]


@pytest.mark.parametrize(("words", "said"), BAD_VALUES, ids=lambda value: " ".join(value)[:40])
def test_a_value_that_cannot_be_one(cli: Cli, words: list[str], said: str) -> None:
    before = cli.content()

    assert_refused(cli("account", *words), 2, said)

    assert cli.content() == before


def test_an_account_with_voices_stays(cli_on_each: Cli) -> None:
    voice = cli_on_each.created()
    cli_on_each.done("delete", voice, "--yes")
    before = cli_on_each.content()

    assert_refused(cli_on_each("account", "remove", "default"), 2, "1 voices are recorded of it")

    assert cli_on_each.content() == before


def test_upgrade_sets_an_empty_database_up(
    start: Callable[[str], Cli], empty_database_url: str
) -> None:
    cli = start(empty_database_url)

    assert cli.done("db", "current", "--json").json()["current"] is None
    empty = cli("db", "check", "--json")
    assert (empty.code, empty.json()["ok"]) == (1, False)

    upgraded = cli.done("db", "upgrade", "--json").json()
    assert upgraded["from"] is None
    again = cli.done("db", "upgrade")
    assert (again.out, "already" in again.err) == ("", True)
    current = cli.done("db", "current", "--json").json()
    assert current["current"] == current["needed"] == upgraded["to"]
    assert cli.done("db", "check", "--json").json() == {
        "database": upgraded["database"],
        "ok": True,
        "problems": [],
    }
    assert cli.done("list", "--json").json() == []


def test_db_commands_for_people(cli_on_each: Cli) -> None:
    before = content(cli_on_each.database)

    assert cli_on_each.done("db", "check").err.endswith(" is sound\n")
    assert [row[0] for row in cli_on_each.done("db", "current").rows()] == [
        "database",
        "current",
        "needed",
    ]
    assert content(cli_on_each.database) == before


def test_check_finds_what_is_wrong(cli_on_each: Cli) -> None:
    execute(cli_on_each.database, "DELETE FROM quota_limits WHERE family = 'cosyvoice'")

    result = cli_on_each("db", "check")

    assert result.code == 1
    assert result.out == "quota group default lacks a limit\n"
    assert result.err == ""


@pytest.mark.parametrize("families", ["'cosyvoice'", "'cosyvoice', 'qwen-tts'"])
def test_limits_that_somebody_has_deleted_are_set_anew(cli_on_each: Cli, families: str) -> None:
    execute(cli_on_each.database, f"DELETE FROM quota_limits WHERE family IN ({families})")

    assert_refused(cli_on_each("quota"), 1, "has no limit for cosyvoice", "--limit cosyvoice=N")
    cli_on_each.done(
        *("account", "edit", "default", "--limit", "cosyvoice=7", "--limit", "qwen-tts=8")
    )

    quotas = cli_on_each.done("quota", "--json").json()
    assert [quota["limit"] for quota in quotas] == [7, 8]
    assert cli_on_each.done("db", "check").out == ""


def test_an_account_without_a_limit_is_listed(cli: Cli) -> None:
    execute(cli.database, "DELETE FROM quota_limits WHERE family = 'cosyvoice'")

    (account,) = cli.done("account", "list", "--json").json()
    assert account["limits"] == {"qwen-tts": 1000}
    assert "1000" in cli.done("account", "list").out
    assert "qwen-tts=1000" in cli.done("account", "show", "default").out
