"""Plays stories at a sandbox and with a registry, by one clock, and keeps what was told."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.fakes import START, FakeClock
from tests.housekeeping.foretelling import Telling
from tests.housekeeping.stories import OWNER, PRODUCTION, Span, Story, Use
from voicereg import (
    ChannelSettings,
    DesignOptions,
    KeepAliveSettings,
    Registry,
    ReviewRefused,
    Round,
    Settings,
    State,
    TagFilter,
    Voice,
    VoiceRule,
    run_round,
)
from voicereg.domain.accounts import DEFAULT_KEY_VARIABLE
from voicereg.domain.families import Family
from voicereg.sandbox import Sandbox

EVERYTHING = "everything"
CHANNELS: Mapping[str, str | None] = {EVERYTHING: None, OWNER: OWNER}
"""Whose voices each channel hears of; None: everyone's, and of quotas."""
Limits = Mapping[str, Sequence[tuple[datetime, int]]]


@dataclass
class Played:
    """What there was to see while the stories were played."""

    rounds: list[Round] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """The provider's ids, by the names of the stories."""
    voices: dict[str, Voice] = field(default_factory=dict)
    """The records in the end, by the same names."""
    there: set[str] = field(default_factory=set)
    """The names of the voices that the provider has in the end."""
    kept_alive: dict[str, int] = field(default_factory=dict)
    """How many uses to keep it alive are on record of each voice, by the same names."""
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What each channel was sent."""

    def tellings(self, channel: str) -> list[Telling]:
        """Everything that a channel was told."""
        names = {voice_id: name for name, voice_id in self.ids.items()}
        return [
            _telling(datetime.fromisoformat(message["made_at"]), item, names)
            for message in self.messages[channel]
            for item in message["items"]
        ]


@dataclass(frozen=True, order=True)
class _Scene:
    at: datetime
    rank: int
    """The provider's doings come first, a round last."""
    act: Callable[[], object] = field(compare=False)


def play(
    stories: Sequence[Story],
    rounds: Sequence[datetime],
    limits: Limits,
    database: str,
    directory: Path,
) -> Played:
    """Play stories from the first voice on; the registry is opened at the start of the tests.

    Args:
        stories: each with a name of its own.
        rounds: when there is a round of housekeeping.
        limits: the quotas, from when on.
        database: the registry's, with nothing in it.
        directory: where channels write.
    """
    clock = FakeClock(min([START, *(story.made for story in stories)]))
    with Sandbox.start(
        review_time=timedelta(0), clock=clock.now, delete_idle_after=timedelta(days=365)
    ) as sandbox:
        stage = _Stage(sandbox, clock, database, directory)
        try:
            scenes = [
                _Scene(START, 1, stage.open),
                *(scene for story in stories for scene in stage.scenes(story)),
                *stage.limit_scenes(limits),
                *(_Scene(at, 4, stage.round) for at in rounds),
            ]
            for scene in sorted(scenes):
                clock.moment = scene.at
                scene.act()
                assert clock.moment == scene.at, "somebody waited"
            return stage.seen()
        finally:
            stage.close()


class _Stage:
    def __init__(self, sandbox: Sandbox, clock: FakeClock, database: str, directory: Path) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._database = database
        self._files = {name: directory / f"{name}.jsonl" for name in CHANNELS}
        self._opened: Registry | None = None
        self._played = Played()

    @property
    def _registry(self) -> Registry:
        assert self._opened is not None
        return self._opened

    def open(self) -> None:
        """Open the registry, and put what the provider has on record."""
        rule = VoiceRule(tag=TagFilter.parse(PRODUCTION))
        self._opened = Registry.open(
            self._database,
            settings=Settings(
                base_url=self._sandbox.base_url,
                channels=tuple(
                    ChannelSettings(name, f"file://{self._files[name]}", VoiceRule(owner=owner))
                    for name, owner in CHANNELS.items()
                ),
                keep_alive=KeepAliveSettings(rules=(rule,)),
            ),
            actor="tester",
            source="service",
            clock=self._clock,
            sleep=self._clock.sleep,
            environment={DEFAULT_KEY_VARIABLE: self._sandbox.api_key},
        )
        assert self._opened.sync().complete

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def scenes(self, story: Story) -> Iterator[_Scene]:
        """Everything that others do with a voice."""
        if story.designed:
            yield _Scene(story.made, 2, lambda: self._design(story))
        else:
            yield _Scene(story.made, 0, lambda: self._add(story))
        for use in story.uses:
            yield from self._use_scenes(story, use)
        yield from self._label_scenes(story)
        if story.removed is not None:
            yield _Scene(story.removed, 0, lambda: self._remove(story))
        if story.deleted is not None:
            yield _Scene(
                story.deleted, 3, lambda: self._registry.delete(self._played.ids[story.name])
            )

    def _label_scenes(self, story: Story) -> Iterator[_Scene]:
        owned = story.owned or (Span(story.labelled) if story.owner else None)
        for span, done, undone in (
            (owned, {"owner": story.owner}, {"owner": ""}),
            (story.pinned, {"pin": True}, {"pin": False}),
            (story.tagged, {"tags": {PRODUCTION: "yes"}}, {"untag": [PRODUCTION]}),
        ):
            if span is None:
                continue
            if not story.designed or span.since > story.made:  # else it is designed like that
                yield _Scene(span.since, 3, self._edit(story, done))
            if span.until is not None:
                yield _Scene(span.until, 3, self._edit(story, undone))

    def limit_scenes(self, limits: Limits) -> Iterator[_Scene]:
        for family, changes in limits.items():
            for at, limit in changes:
                yield _Scene(at, 3, self._limit(Family(family), limit))

    def _use_scenes(self, story: Story, use: Use) -> Iterator[_Scene]:
        if use.through_registry:
            yield _Scene(use.at, 3, lambda: self._speak(story))
            return
        yield _Scene(use.at, 0, lambda: self._speak_elsewhere(story))
        if use.noted_at is not None:
            yield _Scene(use.noted_at, 3, lambda: self._note(story, use.at))

    def round(self) -> None:
        """One round of housekeeping."""
        self._played.rounds.append(run_round(self._registry, environment={}))

    def seen(self) -> Played:
        """What is on record in the end, and what was told."""
        played = self._played
        there = {voice.voice_id for voice in self._sandbox.voices()}
        played.there = {name for name, voice_id in played.ids.items() if voice_id in there}
        records = {voice.voice_id: voice for voice in self._registry.voices(with_gone=True)}
        for name, voice_id in played.ids.items():
            if voice_id not in records:
                continue
            played.voices[name] = records[voice_id]
            uses = self._registry.daily_uses(records[voice_id].id, days=1000)
            played.kept_alive[name] = sum(
                daily.uses for daily in uses if daily.source == "keep-alive"
            )
        for name, file in self._files.items():
            lines = file.read_text().splitlines() if file.exists() else []
            played.messages[name] = [json.loads(line) for line in lines]
        return played

    def _add(self, story: Story) -> None:
        made = self._sandbox.add_voice(
            family=story.family,
            origin="cloned" if story.cloned else "designed",
            target_model=story.model,
            name=story.name,
            prompt=None if story.cloned else f"A calm voice called {story.name}.",
            preview_text=None if story.cloned else "Good evening.",
        )
        self._played.ids[story.name] = made.voice_id

    def _design(self, story: Story) -> None:
        asked: DesignOptions = {
            "target_model": story.model,
            "name": story.name,
            "prompt": f"A calm voice called {story.name}.{' [reject]' if story.rejected else ''}",
            "preview_text": "Good evening.",
            "owner": story.owner_at(story.made),
            "pin": story.pinned is not None and story.pinned.holds(story.made),
        }
        if story.tagged is not None and story.tagged.holds(story.made):
            asked["tags"] = {PRODUCTION: "yes"}
        try:
            voice = self._registry.design(**asked)
        except ReviewRefused as refused:
            voice = refused.voice
        assert (voice.state is State.REJECTED) is story.rejected
        assert voice.voice_id is not None
        self._played.ids[story.name] = voice.voice_id

    def _speak(self, story: Story) -> None:
        self._registry.synthesize(self._played.ids[story.name], "Good morning.", io.BytesIO())
        self._registry.flush()

    def _speak_elsewhere(self, story: Story) -> None:
        voice_id = self._played.ids[story.name]
        assert voice_id in {voice.voice_id for voice in self._sandbox.voices()}, story.name
        # As if another program had let it speak: over the network that would take too long.
        self._sandbox._provider.spoke(voice_id)

    def _note(self, story: Story, at: datetime) -> None:
        self._registry.record_use(self._played.ids[story.name], at=at)
        self._registry.flush()

    def _edit(self, story: Story, change: Mapping[str, Any]) -> Callable[[], object]:
        return lambda: self._registry.edit(self._played.ids[story.name], **change)

    def _remove(self, story: Story) -> None:
        assert self._sandbox.remove_voice(self._played.ids[story.name]), story.name

    def _limit(self, family: Family, limit: int) -> Callable[[], object]:
        def change() -> None:
            name = self._registry.accounts.one().name
            self._registry.accounts.edit(
                name,
                region=None,
                workspace=None,
                base_url=None,
                api_key_env=None,
                quota_group=None,
                limits={family: limit},
                unchecked=False,
            )

        return change


def _telling(at: datetime, item: Mapping[str, Any], names: Mapping[str, str]) -> Telling:
    assert item["maybe_repeat"] is False
    voice, quota, deadline = item["voice"], item["quota"], item["deadline_at"]
    return Telling(
        at,
        quota["family"] if voice is None else names[voice["voice_id"]],
        item["news"],
        item["kind"],
        item["mark"],
        # An all-clear of the quota has none.
        None if deadline is None else datetime.fromisoformat(deadline),
        None if quota is None else quota["level"],
    )
