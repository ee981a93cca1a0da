"""The audit log: one event for each change, with who, what from, and what to."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from tests.conftest import OpenRegistry
from tests.fakes import START, FakeClock
from tests.registry.rows import begun, insert_voice
from tests.registry.support import (
    COSY,
    QWEN,
    FakeProvider,
    add_account,
    confirmed,
    edit_account,
    failing,
)
from voicereg import (
    AccountNotFound,
    ConnectionLost,
    CreateUnresolved,
    DeleteUnconfirmed,
    Family,
    InvalidInput,
    QuotaExceeded,
    Registry,
    VoiceNotFound,
)
from voicereg.sandbox import Sandbox
from voicereg.tables import events, metadata


def whole_life(registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox) -> None:
    """Everything that can be done so far, done once."""
    voice = registry.design(**COSY, tags={"show": "news"}, owner="radio")
    registry.edit(voice.id, tags={"show": "late"}, untag=["x"], note="a note", pin=True)
    registry.delete(voice.id, force=True)
    registry.reserve(**QWEN).release("refused")
    confirmed(registry, "qwen-made")
    lost = FakeProvider(
        create=failing(ConnectionLost("host", "cut")), delete=failing(ConnectionLost("host", "cut"))
    )
    broken = open_registry(client_factory=lost.factory())
    with pytest.raises(CreateUnresolved):
        broken.design(**QWEN)
    with pytest.raises(DeleteUnconfirmed):
        broken.delete("qwen-made")
    add_account(registry, "studio", base_url=sandbox.base_url, api_key_env="STUDIO_KEY")
    edit_account(registry, "studio", limits={Family.QWEN_TTS: 0})
    with pytest.raises(QuotaExceeded):
        registry.reserve(**QWEN, account="studio")
    registry.accounts.remove("studio")


def test_each_change_is_one_event_and_no_more(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    whole_life(registry, open_registry, sandbox)
    actions = [event.action for event in registry.events(account=registry.ALL_ACCOUNTS)]
    assert actions[::-1] == [
        "voice.create",
        "voice.confirm",
        "voice.review",
        "voice.edit",
        "voice.delete.ask",
        "voice.delete",
        "voice.create",
        "voice.fail",
        "voice.create",
        "voice.confirm",
        "voice.create",
        "voice.unresolved",
        "voice.delete.ask",
        "account.add",
        "account.edit",
        "account.remove",
    ]


def test_every_event_says_who_and_can_be_written_as_json(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    whole_life(registry, open_registry, sandbox)
    logged = registry.events(account=registry.ALL_ACCOUNTS)
    assert {event.actor for event in logged} == {"tester"}
    for event in logged:
        assert json.loads(json.dumps(event.as_dict())) == event.as_dict()
        assert event.at.utcoffset() == timedelta(0)
        assert (event.voice is None) == event.action.startswith("account.")


def test_before_and_after_show_only_what_changed(
    registry: Registry, open_registry: OpenRegistry, sandbox: Sandbox
) -> None:
    whole_life(registry, open_registry, sandbox)
    for event in registry.events(account=registry.ALL_ACCOUNTS):
        if event.action in {"voice.create", "account.add"}:
            assert event.before == {}
            assert event.after
        elif event.action == "account.remove":
            assert event.after == {}
            assert event.before
        else:
            assert event.before.keys() == event.after.keys() != set()
            for field in event.after:
                assert event.before[field] != event.after[field], (event.action, field)
        for noise in ("updated_at", "lease_holder", "lease_expires_at", "id"):
            assert noise not in event.before
            assert noise not in event.after


def test_a_create_logs_what_was_asked(registry: Registry) -> None:
    registry.reserve(**QWEN, tags={"show": "news"}, owner="radio", language="en")
    (event,) = registry.events()
    for field in ("target_model", "prompt", "preview_text", "name"):
        assert event.after[field] == QWEN[field]
    assert event.after["tags"] == {"show": "news"}
    assert (event.after["owner"], event.after["language"]) == ("radio", "en")
    assert event.after["created_at"] == "2026-11-23T09:00:00Z"
    assert "note" not in event.after, "what was not said is not logged"


def test_an_edit_logs_labels_and_tags(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url, owner="tv", note="old")
    registry.edit(voice, owner="radio", note="", pin=True)
    registry.edit(voice, tags={"show": "news"})
    registry.edit(voice, untag=["show"])
    registry.edit(voice, tags={"use": "tv"}, pin=False)
    fourth, third, second, first = registry.events()
    assert first.before == {"owner": "tv", "note": "old", "pinned": False}
    assert first.after == {"owner": "radio", "note": None, "pinned": True}
    assert (second.before, second.after) == ({"tags": {}}, {"tags": {"show": "news"}})
    assert (third.before, third.after) == ({"tags": {"show": "news"}}, {"tags": {}})
    assert fourth.before == {"pinned": True, "tags": {}}
    assert fourth.after == {"pinned": False, "tags": {"use": "tv"}}


def test_a_reason_is_kept(registry: Registry) -> None:
    registry.reserve(**QWEN).release("the caller's own word")
    assert registry.events(limit=1)[0].reason == "the caller's own word"


def test_no_key_is_anywhere_in_the_database(
    open_registry: OpenRegistry, sandbox: Sandbox, database_url: str
) -> None:
    """Looked for in every column of every table, and in everything that can be asked."""
    registry = open_registry(
        environment={"DASHSCOPE_API_KEY": sandbox.api_key, "STUDIO_KEY": "wrong-secret"}
    )
    whole_life(registry, open_registry, sandbox)
    add_account(registry, "studio", base_url=sandbox.base_url, api_key_env="STUDIO_KEY")
    with pytest.raises(Exception, match="key"):
        registry.design(**QWEN, account="studio")
    with begun(database_url) as connection:
        everything = "\n".join(
            repr(row)
            for table in metadata.sorted_tables
            for row in connection.execute(table.select())
        )
    assert "DASHSCOPE_API_KEY" in everything, "the name of the variable is what is kept"
    assert sandbox.api_key not in everything
    assert "wrong-secret" not in everything
    assert "sqlite:" not in everything
    assert "postgresql:" not in everything


def test_who_opened_it_is_who_did_it(open_registry: OpenRegistry) -> None:
    open_registry(actor="night shift").reserve(**QWEN)
    open_registry(actor=None).reserve(**QWEN)
    second, first = open_registry().events()
    assert first.actor == "night shift"
    assert second.actor.endswith("(library)")
    assert "@" in second.actor


def test_newest_first_and_a_few_of_them(registry: Registry, clock: FakeClock) -> None:
    for minute in range(5):
        registry.reserve(**QWEN | {"name": f"n{minute}"})
        clock.advance(timedelta(minutes=1))
    names = [event.after["name"] for event in registry.events()]
    assert names == ["n4", "n3", "n2", "n1", "n0"]
    assert [event.after["name"] for event in registry.events(limit=2)] == ["n4", "n3"]
    assert registry.events(limit=0) == []
    assert len(registry.events(limit=100)) == 5


@pytest.mark.parametrize(
    ("since", "count"),
    [
        (START - timedelta(days=1), 3),
        (START, 3),
        (START + timedelta(microseconds=1), 2),
        (START + timedelta(minutes=2), 1),
        (START + timedelta(minutes=3), 0),
    ],
)
def test_since(registry: Registry, clock: FakeClock, since: datetime, count: int) -> None:
    for _ in range(3):
        registry.reserve(**QWEN)
        clock.advance(timedelta(minutes=1))
    assert len(registry.events(since=since)) == count
    elsewhere = since.astimezone(timezone(timedelta(hours=8)))
    assert len(registry.events(since=elsewhere)) == count, "whatever zone it is told in"


def test_of_one_voice(registry: Registry) -> None:
    first = confirmed(registry, "qwen-one")
    second = confirmed(registry, "qwen-two")
    for reference in (first.id, "qwen-one", "qwen-o"):
        assert [event.voice for event in registry.events(voice=reference)] == [first.id] * 2
    assert len(registry.events(voice=second.id, limit=1)) == 1
    with pytest.raises(VoiceNotFound):
        registry.events(voice="nobody")


def test_of_one_account_and_of_all(registry: Registry) -> None:
    add_account(registry, "studio")
    registry.reserve(**QWEN)
    voice = registry.reserve(**QWEN, account="studio").voice
    assert [event.action for event in registry.events()] == ["voice.create"]
    assert [event.action for event in registry.events(account="studio")] == [
        "voice.create",
        "account.add",
    ]
    every = registry.ALL_ACCOUNTS
    assert len(registry.events(account=every)) == 3
    assert [event.voice for event in registry.events(voice=voice.id, account=every)] == [voice.id]
    with pytest.raises(AccountNotFound):
        registry.events(account="nobody")


def test_changes_of_a_removed_account_are_still_to_be_seen(registry: Registry) -> None:
    add_account(registry, "studio")
    registry.accounts.remove("studio")
    logged = registry.events(account=registry.ALL_ACCOUNTS)
    assert [(event.action, event.account) for event in logged] == [
        ("account.remove", "studio"),
        ("account.add", "studio"),
    ]


def test_a_limit_or_a_time_that_is_none_is_refused(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match="limit"):
        registry.events(limit=-1)
    with pytest.raises(InvalidInput, match="since"):
        registry.events(since=START.replace(tzinfo=None))


def test_an_event_is_committed_with_its_change_or_not_at_all(
    registry: Registry, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the log is full")

    voice = insert_voice(database_url)
    monkeypatch.setattr("voicereg.store.events.append", fail)
    with pytest.raises(RuntimeError, match="log is full"):
        registry.edit(voice, owner="me")
    with pytest.raises(RuntimeError, match="log is full"):
        registry.reserve(**QWEN)
    assert registry.voice(voice).owner is None
    assert len(registry.voices()) == 1
    with begun(database_url) as connection:
        assert connection.execute(events.select()).all() == []
