"""A house to keep: a registry, a provider whose voices grow old, and channels that are files."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from tests.fakes import FakeClock
from tests.registry.rows import MODELS, QWEN, begun, insert_voice
from voicereg import Registry, Settings
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.rounds import Round, StepResult
from voicereg.domain.routes import VoiceRule
from voicereg.domain.voices import INACTIVITY_LIMIT
from voicereg.housekeeping import run_round
from voicereg.sandbox import Sandbox
from voicereg.settings import ChannelSettings
from voicereg.tables import accounts, events, messages, quota_limits, step_states, warnings

MAIL = "mail"
OTHER_KEY = "OTHER_KEY"
"""The variable with the key of another account."""
_numbers = itertools.count(1)


class Said(NamedTuple):
    """One item of a message, as far as tests care."""

    news: str
    what: str
    """The name of the voice, or the family or model."""
    mark: int | None = None
    maybe_repeat: bool = False
    kind: str = "deadline"


def warning(what: str, mark: int | None = None, **more: Any) -> Said:
    return Said("warning", what, mark, **more)


def all_clear(what: str, **more: Any) -> Said:
    return Said("all_clear", what, None, **more)


def said(item: Mapping[str, Any]) -> Said:
    """An item of a message's JSON."""
    quota = item["quota"]
    what = item["voice"]["name"] if item["voice"] else item["model"] or quota["family"]
    return Said(item["news"], what, item["mark"], item["maybe_repeat"], item["kind"])


def file_channel(path: Path, rule: VoiceRule | None = None) -> ChannelSettings:
    """A channel that is named after its file."""
    return ChannelSettings(name=path.stem, url=f"file://{path}", rule=rule or VoiceRule())


@dataclass
class House:
    """Everything that a round works with."""

    url: str
    clock: FakeClock
    sandbox: Sandbox
    directory: Path
    opened: ExitStack = field(default_factory=ExitStack)

    def path(self, channel: str) -> Path:
        return self.directory / f"{channel}.jsonl"

    def channel(self, name: str, rule: VoiceRule | None = None) -> ChannelSettings:
        return file_channel(self.path(name), rule)

    def settings(self, *channels: str | ChannelSettings, **changed: Any) -> Settings:
        """Settings with so many channels; names are those of files."""
        given = tuple(self.channel(one) if isinstance(one, str) else one for one in channels)
        return Settings(
            base_url=self.sandbox.base_url, channels=given or (self.channel(MAIL),), **changed
        )

    def open(self, settings: Settings | None = None, **changed: Any) -> Registry:
        """A registry by the test's clock; one channel that is a file, unless it is said."""
        options: dict[str, Any] = {
            "settings": settings or self.settings(),
            "actor": "tester",
            "clock": self.clock,
            "sleep": self.clock.sleep,
            "environment": {DEFAULT_KEY_VARIABLE: self.sandbox.api_key},
        }
        return self.opened.enter_context(Registry.open(self.url, **(options | changed)))

    def voice(
        self,
        name: str,
        days_left: float,
        *,
        family: str = QWEN,
        account: str = "default",
        at: Sandbox | None = None,
        **changed: Any,
    ) -> str:
        """A voice on record and at the provider, with so much time left; its registry id."""
        created_at = self.clock.now() - INACTIVITY_LIMIT + timedelta(days=days_left)
        target_model = changed.get("target_model", MODELS[family])
        made = (at or self.sandbox).add_voice(
            family=family,
            origin="designed",
            target_model=target_model,
            name=name,
            prompt="A voice that was recorded by hand.",
            preview_text="Good evening.",
            created_at=created_at,
        )
        return insert_voice(
            self.url,
            family=family,
            account=account,
            created_at=created_at,
            name=name,
            voice_id=made.voice_id,
            **changed,
        )

    def told(self, channel: str = MAIL) -> list[list[Said]]:
        """What a channel was told, message by message."""
        path = self.path(channel)
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
        return [[said(item) for item in json.loads(line)["items"]] for line in lines]

    def told_last(self, channel: str = MAIL) -> list[Said]:
        """What a channel was told since this was asked last."""
        told = self.told(channel)
        self.path(channel).unlink(missing_ok=True)
        assert len(told) <= 1, "one round tells a channel one message at most"
        return told[0] if told else []

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        """All rows of a table."""
        with begun(self.url) as connection:
            found = connection.execute(sa.select(table).order_by(*table.primary_key))
            return [dict(row._mapping) for row in found]

    def outcomes(self, channel: str) -> list[tuple[str | None, str | None]]:
        """What became of the messages to a channel, and why, in order."""
        rows = [row for row in self.rows(messages) if row["channel"] == channel]
        rows.sort(key=lambda row: (row["made_at"], row["id"]))
        return [(row["outcome"], row["error"]) for row in rows]

    def ledger(self) -> set[tuple[Any, ...]]:
        """What each channel has been told, and is certain of; the time does not matter."""
        return {
            (row["channel"], row["kind"], row["key"], row["grade"], row["uncertain"])
            for row in self.rows(warnings)
        }

    def actions(self, voice: str) -> list[str]:
        """What the audit log tells of a voice, the oldest first."""
        return [row["action"] for row in self.rows(events) if row["voice"] == voice]

    def step_state(self, name: str, account: str = "") -> dict[str, Any]:
        (found,) = (
            row
            for row in self.rows(step_states)
            if (row["name"], row["account"]) == (name, account)
        )
        return found


@pytest.fixture
def sandbox(clock: FakeClock) -> Iterator[Sandbox]:
    """The provider, by the test's clock."""
    with Sandbox.start(review_time=timedelta(0), clock=clock.now) as sandbox:
        yield sandbox


@pytest.fixture
def house(database_url: str, clock: FakeClock, sandbox: Sandbox, tmp_path: Path) -> Iterator[House]:
    """A house with a registry of each kind in turn."""
    house = House(database_url, clock, sandbox, tmp_path)
    with house.opened:
        yield house


def keep_house(registry: Registry, **options: Any) -> Round:
    """One round, in which no variable of the process names a channel."""
    return run_round(registry, **({"environment": {}} | options))


def step(done: Round, name: str, account: str | None = "default") -> StepResult:
    """How one step went."""
    (found,) = (one for one in done.steps if one.name == name and one.account in (account, None))
    return found


def failed_steps(done: Round) -> list[tuple[str, str | None]]:
    return [(one.name, one.account) for one in done.steps if not one.ok]


def set_limits(house: House, *, qwen: int, account: str = "default") -> None:
    """Set how many Qwen-TTS voices an account may have."""
    with begun(house.url) as connection:
        group = (
            sa.select(accounts.c.quota_group_id).where(accounts.c.name == account).scalar_subquery()
        )
        connection.execute(
            sa.update(quota_limits)
            .where(quota_limits.c.quota_group_id == group, quota_limits.c.family == QWEN)
            .values(slots=qwen)
        )
