"""A manifest compared with what there is: what has to be done, or cannot be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from voicereg.domain.designs import MARK_LENGTH
from voicereg.domain.manifests import DESIGN, LABELS, Entry, Manifest, ManifestProblem, plain
from voicereg.domain.plans import Action, ApplyPlan, Step
from voicereg.domain.states import State
from voicereg.domain.voices import Voice

_AT_WORK = frozenset({State.CREATING, State.UNRESOLVED})
_UNSETTLED = _AT_WORK | {State.DELETING}
"""What a sync settles; until then, nothing is done about it."""
_CAN_SPEAK = frozenset({State.ACTIVE, State.PENDING})
"""Usable, now or as soon as its review is over."""


def rivals(standing: Iterable[Voice], replaces: str | None) -> list[Voice]:
    """The voices of a key that leave no room for one more.

    Args:
        standing: those of the key that are not gone.
        replaces: the registry id of the voice that the new one stands in for.
    """
    voices = list(standing)
    passed = {voice.replaces for voice in voices if voice.candidate_for is None} | {replaces}
    return [voice for voice in voices if voice.id not in passed]


def make_plan(
    manifest: Manifest,
    account: str,
    known: Sequence[Voice],
    named: Mapping[str, Voice],
    aliases: Mapping[str, Voice],
    *,
    recreate: bool,
    prune: bool,
) -> ApplyPlan:
    """Compare what a manifest declares with what there is.

    Args:
        manifest: what is declared.
        account: whose voices they are.
        known: all voices of the account with a key, gone ones too, oldest first.
        named: the voices that entries name, by what they name them by.
        aliases: what each alias of the account stands for.
        recreate: make voices anew that are made from something else.
        prune: delete what is not declared, and what another stands in for.
    """
    work = _Comparison(manifest, known, named, aliases, recreate=recreate, prune=prune)
    for entry in manifest.entries:
        work.compare(entry)
    work.look_at_the_rest()
    return ApplyPlan(account, tuple(work.steps), work.unchanged, tuple(work.problems))


class _Comparison:
    def __init__(
        self,
        manifest: Manifest,
        known: Sequence[Voice],
        named: Mapping[str, Voice],
        aliases: Mapping[str, Voice],
        *,
        recreate: bool,
        prune: bool,
    ) -> None:
        self._set = manifest.set_name
        self._declared = {entry.key: entry for entry in manifest.entries}
        self._named = named
        self._aliases = aliases
        self._recreate = recreate
        self._prune = prune
        self._voices: defaultdict[str, list[Voice]] = defaultdict(list)
        self._candidates: defaultdict[str, list[Voice]] = defaultdict(list)
        self._keys_of_named: dict[str, str] = {}
        """By the registry ids of voices that entries name, whose they are."""
        self._current_of: dict[str, Voice] = {}
        """The voice of each key, as far as it has one."""
        self._moving: set[str | None] = set()
        """The aliases that another voice takes."""
        self._recreated: set[str] = set()
        """The keys whose voice gives way as soon as another can be used."""
        self._gone: dict[str, Voice] = {}
        """The last one of each key that was there once."""
        for voice in known:
            key = voice.manifest_key or voice.candidate_for or ""
            if voice.state.is_gone:
                if voice.manifest_key is not None and voice.state is not State.FAILED:
                    self._gone[key] = voice
            elif voice.manifest_key is not None:
                self._voices[key].append(voice)
            else:
                self._candidates[key].append(voice)
        self.steps: list[Step] = []
        self.problems: list[ManifestProblem] = []
        self.unchanged = 0

    def compare(self, entry: Entry) -> None:
        """Find what is to be done about one declared voice."""
        current = self._current(entry.key)
        if entry.voice_id is not None:
            named = self._named.get(entry.voice_id)
            if named is None:
                return self._refuse(
                    entry, f"voice_id: no voice on record is {entry.voice_id[:60]}; sync finds it"
                )
            other = named.manifest_key or named.candidate_for
            other = self._keys_of_named.setdefault(named.id, other or entry.key)
            if other != entry.key:
                return self._refuse(entry, f"voice_id: {named.id} has the key {other} already")
            if named.manifest_key is None and named.candidate_for is None:
                if named.state.is_gone:
                    self._gone.setdefault(entry.key, named)
                elif current is not None:
                    return self._refuse(entry, f"voice_id: voice {current.id} has this key already")
                else:
                    current = named
        if not self._can_take_alias(entry):
            return None
        if current is None:
            return self._make(entry)
        self._current_of[entry.key] = current
        if current.state in _UNSETTLED:
            return self._leave(
                entry,
                current,
                f"it is {current.state.value}; it is not asked for again until a sync settles it",
            )
        return self._compare_with(entry, current)

    def look_at_the_rest(self) -> None:
        """Find what is there, and is not declared, or not any more."""
        for key in sorted({*self._voices, *self._candidates, *self._recreated}):
            if not self._is_of_this_set(key):
                continue
            current = self._current_of.get(key) or self._current(key)
            if key not in self._declared:
                others = [*self._voices[key], *self._candidates[key]]
                why = "the file does not declare it"
            else:
                others = [voice for voice in self._voices[key] if voice is not current]
                why = "another voice has its key"
                if current is not None and key in self._recreated:
                    self._delete(key, current, "another voice will have its key")
                others += self._left_over(key, current)
                if current is not None and self._is_in_doubt(key, current):
                    # Until that one can be used, these may be all that there is.
                    self._keep(key, others, f"{why}, which is {current.state.value}")
                    continue
            for voice in others:
                self._delete(key, voice, why)

    def _is_in_doubt(self, key: str, current: Voice) -> bool:
        return current.state is not State.ACTIVE and key not in self._recreated

    def _rival(self, key: str, current: Voice) -> Voice | None:
        """What leaves no room for another voice in place of the one that a key has."""
        standing = rivals([*self._voices[key], *self._candidates[key]], current.id)
        return next((voice for voice in standing if voice.replaces != current.id), None)

    def _left_over(self, key: str, current: Voice | None) -> list[Voice]:
        """The candidates of a key that are not there to replace its voice: it was chosen before."""
        if current is None:
            return []
        return [voice for voice in self._candidates[key] if voice.replaces != current.id]

    # What is to be made

    def _make(self, entry: Entry) -> None:
        before = self._gone.get(entry.key)
        ready = self._candidates[entry.key]
        count = entry.candidates - len(ready)
        if entry.candidates == 1 and ready:
            count = 0
        if count <= 0 or any(_differences(entry, voice) for voice in ready):
            return self._let_choose(entry, ready)
        if entry.lacks:
            return self._leave(
                entry, before, f"it is gone, and the file does not say its {entry.lacks[0]}"
            )
        replaces = ready[0].replaces if ready else None if before is None else before.id
        why = (
            None
            if replaces is None
            else f"in place of {replaces}, which is gone; it will sound different"
        )
        if entry.candidates == 1:
            self._moving.add(entry.alias)
        self.steps.append(
            Step(
                action=Action.DESIGN,
                key=entry.key,
                entry=entry,
                voice=before,
                count=count,
                replaces=replaces,
                why=why,
            )
        )
        return None

    def _let_choose(self, entry: Entry, ready: Sequence[Voice]) -> None:
        other = next((voice for voice in ready if _differences(entry, voice)), None)
        if other is not None:
            what = ", ".join(_differences(entry, other))
            why = f"candidates were made from another {what}: choose one of them, or delete them"
            return self._leave(entry, other, why)
        counts = Counter(voice.state for voice in ready)
        usable = counts.pop(State.ACTIVE, 0)
        found = ", ".join(f"{count} {state.value}" for state, count in counts.items())
        if not _CAN_SPEAK.intersection(counts) and not usable:
            why = f"there is none to choose from ({found})"
            return self._leave(entry, ready[0], why)
        why = f"{usable} to choose from: voicereg choose"
        if counts:
            why += f"; {counts.total()} more cannot be used yet ({found})"
        at_work = not _AT_WORK.isdisjoint(counts)
        return self._leave(entry, ready[0], why, is_open=at_work)

    def _compare_with(self, entry: Entry, current: Voice) -> None:
        ready = [voice for voice in self._candidates[entry.key] if voice.replaces == current.id]
        differs = _differences(entry, current)
        is_mixed = any(_differences(entry, voice) for voice in ready)
        if ready and (len(ready) >= entry.candidates or is_mixed or not differs):
            self._update(entry, current, but=("alias",))
            return self._let_choose(entry, ready)
        if differs and self._recreate:
            if entry.lacks:
                self._update(entry, current)
                what = entry.lacks[0]
                return self._leave(entry, current, f"the file does not say its {what}")
            if (other := self._rival(entry.key, current)) is not None:
                why = (
                    f"voice {other.id} has its key as well: delete one of them"
                    if other.candidate_for is None
                    else "candidates of an earlier choice are left: "
                    f"voicereg choose {current.id} deletes them"
                )
                self._update(entry, current)
                return self._leave(entry, current, why)
            # Until one is chosen, it stays the voice of its key; in any case it gets the key, so
            # that it is known later which one had it before.
            labels = () if entry.candidates > 1 else LABELS
            self._update(entry, current, but=(*labels, "alias"))
            if entry.candidates == 1:
                self._moving.add(entry.alias)
            self.steps.append(
                Step(
                    action=Action.RECREATE,
                    key=entry.key,
                    entry=entry,
                    voice=current,
                    count=entry.candidates - len(ready),
                    replaces=current.id,
                    changes=differs,
                    why="it will sound different",
                )
            )
            if self._prune and entry.candidates == 1:
                self._recreated.add(entry.key)
            return None
        # A voice that cannot be used takes no name away from one that can.
        but = ("alias",) if current.state is State.REJECTED else ()
        is_as_it_should = not self._update(entry, current, but)
        if differs:
            what = ", ".join(differs)
            self._leave(entry, current, f"made from another {what}: --recreate makes it anew")
        elif current.state is State.REJECTED:
            why = "the provider's review refused it: change what it is made from, and --recreate"
            self._leave(entry, current, why)
        elif current.state is State.MISSING:
            self._leave(entry, current, "the last listing did not show it: a sync settles that")
        elif is_as_it_should:
            self.unchanged += 1
        return None

    def _update(self, entry: Entry, current: Voice, but: Sequence[str] = ()) -> bool:
        """Note what is to be changed of a voice; whether there is something."""
        changes: dict[str, tuple[Any, Any]] = {}
        if current.manifest_key != entry.key:
            changes["manifest_key"] = (current.manifest_key, entry.key)
        for name, wanted in entry.labels.items():
            had = getattr(current, name)
            if had != wanted and name not in but:
                changes[name] = (dict(had) if name == "tags" else had, wanted)
        takes_alias = current.state in _CAN_SPEAK and "alias" not in but
        if entry.alias is not None and entry.alias not in current.aliases and takes_alias:
            holder = self._aliases.get(entry.alias)
            changes["alias"] = (None if holder is None else holder.id, entry.alias)
            self._moving.add(entry.alias)
        if changes:
            self.steps.append(
                Step(
                    action=Action.UPDATE,
                    key=entry.key,
                    entry=entry,
                    voice=current,
                    changes=changes,
                )
            )
        return bool(changes)

    # What is to be left, deleted or refused

    def _delete(self, key: str, voice: Voice, why: str) -> None:
        entry = self._declared.get(key)
        # The pin of one whose key another has is that of the file, which speaks of the other.
        is_pinned = voice.pinned and not (entry is not None and entry.labels.get("pinned"))
        moves = self._moving.issuperset(voice.aliases)
        if voice.state in _UNSETTLED:
            why = f"{why}, and it is {voice.state.value}: a sync settles it"
        elif not self._prune:
            why = f"{why}; --prune deletes it"
        elif is_pinned or (voice.aliases and not moves):
            what = "pinned" if is_pinned else f"known as {voice.aliases[0]}"
            why = f"{why}, but it is {what}: it is left alone"
        else:
            self.steps.append(
                Step(action=Action.DELETE, key=key, entry=entry, voice=voice, why=why)
            )
            return
        self._keep(key, [voice], why)

    def _keep(self, key: str, voices: Iterable[Voice], why: str) -> None:
        entry = self._declared.get(key)
        self.steps += [
            Step(action=Action.LEAVE, key=key, entry=entry, voice=voice, why=why)
            for voice in voices
        ]

    def _leave(self, entry: Entry, voice: Voice | None, why: str, *, is_open: bool = True) -> None:
        self.steps.append(
            Step(
                action=Action.LEAVE,
                key=entry.key,
                entry=entry,
                voice=voice,
                why=why,
                is_open=is_open,
            )
        )

    def _refuse(self, entry: Entry, why: str) -> None:
        self.problems.append(ManifestProblem(entry.line, entry.key, why))

    def _can_take_alias(self, entry: Entry) -> bool:
        """Whether an alias is free, or that of a voice which this file speaks of."""
        holder = None if entry.alias is None else self._aliases.get(entry.alias)
        if holder is None or holder.state.is_gone:
            return True
        if holder.manifest_key is not None and self._is_of_this_set(holder.manifest_key):
            return True
        if any(holder.id == voice.id for voice in self._named.values()):
            return True
        self._refuse(
            entry,
            f"alias: {entry.alias} stands for voice {holder.id}, which is none of this file's; "
            f"voice_id: {holder.id} makes it one",
        )
        return False

    def _current(self, key: str) -> Voice | None:
        """The voice that has a key: where there are several, the one that replaced the others."""
        voices = rivals(self._voices[key], None)
        return voices[-1] if voices else None

    def _is_of_this_set(self, key: str) -> bool:
        before, slash, _ = key.rpartition("/")
        return (before if slash else None) == self._set


def _differences(entry: Entry, voice: Voice) -> dict[str, tuple[Any, Any]]:
    """What a voice was made from, where the file says something else; unknown is no difference."""
    found: dict[str, tuple[Any, Any]] = {}
    for name in DESIGN:
        said, had = entry.design.get(name), getattr(voice, name)
        if said is None or had is None or said == (plain(had) if isinstance(had, str) else had):
            continue
        if name == "name" and len(had) == len(said) + MARK_LENGTH and had[:-MARK_LENGTH] == said:
            continue  # it was marked, so that it is recognised
        found[name] = (had, said)
    return found
