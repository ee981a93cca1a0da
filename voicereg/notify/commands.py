"""What to type about a topic."""

from __future__ import annotations

from dataclasses import dataclass

from voicereg.domain.accounts import DEFAULT_ACCOUNT
from voicereg.domain.messages import Item
from voicereg.notify.inert import word
from voicereg.notify.topics import Group, Topic

_MORE = {
    Topic.ANY_DAY: "expiring",
    Topic.DEADLINE: "expiring",
    Topic.KEEP_ALIVE: "expiring",
    Topic.GONE: "list --state expired --state lost",
    Topic.QUOTA: "quota",
    Topic.RETIRING: "list",
    Topic.UNRESOLVED: "list --state creating --state unresolved",
    Topic.REJECTED: "list --state rejected",
    Topic.SAFE: "list",
    Topic.ROOM: "quota",
    Topic.SETTLED: "list",
    Topic.CLEARED: "list --all",
}


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands that a group's advice names, for its only item or with placeholders."""

    group: Group

    def of_voice(self, command: str, rest: str = "") -> str:
        """A command about a voice of the group."""
        only = self.group.only
        voice = None if only is None else only.voice
        name = "ID" if voice is None else word(voice.id, "ID")
        return f"{self._program()} {command} {name} {rest}".rstrip()

    def sync(self) -> str:
        """Compares with the provider."""
        return f"{self._program()} sync"

    def list_unused(self) -> str:
        """The voices of the family that nobody has used for long."""
        only = self.group.only
        quota = None if only is None else only.concern.quota
        family = "" if quota is None else f"--family {quota.family.value} "
        return f"{self._program()} list {family}--unused-for 300"

    def list_model(self) -> str:
        """The voices that are bound to a model."""
        only = self.group.only
        model = "MODEL" if only is None else word(only.concern.subject.key, "MODEL")
        return f"{self._program()} list --model {model}"

    def more(self) -> str:
        """Shows all that the group tells of, and perhaps more."""
        several = len(self.group.accounts) > 1
        command = _MORE[self.group.topic]
        return f"voicereg {command} --all-accounts" if several else f"{self._program()} {command}"

    def _program(self) -> str:
        accounts = self.group.accounts
        if accounts == [DEFAULT_ACCOUNT]:
            return "voicereg"
        return f"voicereg -a {word(accounts[0], 'ACCOUNT') if len(accounts) == 1 else 'ACCOUNT'}"


def identifier(item: Item) -> str | None:
    """The registry id of an item's voice, as it can be typed."""
    return None if item.voice is None else word(item.voice.id, "ID")
