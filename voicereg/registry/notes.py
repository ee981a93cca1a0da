"""Uses noted in memory, by each thread for itself: merged when they are gathered."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from datetime import datetime


class Noted:
    """Uses by one source of one voice on one day."""

    __slots__ = ("last_at", "uses")

    def __init__(self, uses: int, last_at: datetime) -> None:
        self.uses = uses
        self.last_at = last_at


Key = tuple[str, str, int]
"""A voice, a source, and the number of a day."""
Noteds = dict[Key, Noted]


class Pad:
    """What one thread has noted since it was last gathered; changed with its lock held."""

    __slots__ = ("__weakref__", "lock", "lost", "notes", "owner")

    def __init__(self, owner: object) -> None:
        # Reentrant: a signal handler may note a use in the middle of another.
        self.lock = threading.RLock()
        self.notes: Noteds = {}
        self.lost = 0
        self.owner = weakref.ref(owner)


class _Owner:
    """Lives as long as its thread."""

    __slots__ = ("__weakref__",)


class _Mine(threading.local):
    pad: Pad | None = None
    owner: _Owner | None = None


class Notes:
    """Notes of uses, one for each voice, source and day.

    Each thread has its own, under a lock of its own: threads that note at once would hand a
    common lock from one to the next at every single use. Locks are taken in one order: that of
    everything, then that of a thread's.

    Whoever notes looks for its key in `mine.pad.notes`, with that pad's lock held, and asks
    `begin_note` where it is not.

    Whatever interrupts `gather` or `let_go`, wherever: nothing is lost or doubled by the next.

    Args:
        most: how many are kept at most, give or take one for each thread.
        on_first: is told the key of each note that begins, before it does; what it raises, the
            one who notes gets, and nothing is noted.
    """

    def __init__(self, most: int, on_first: Callable[[Key], None]) -> None:
        self._most = most
        self._on_first = on_first
        self.mine = _Mine()
        self._lock = threading.RLock()
        self._pads: dict[int, Pad] = {}
        # By their identity, so that what is put in twice is in once.
        self._gathered: dict[int, Noteds] = {}
        self._keys: set[Key] = set()
        self._lost = 0

    def begin_pad(self) -> Pad:
        """A pad for the thread that asks, which has none."""
        owner = _Owner()
        pad = Pad(owner)
        with self._lock:
            self._pads[id(pad)] = pad
            self.mine.owner, self.mine.pad = owner, pad
        return pad

    def begin_note(self, pad: Pad, key: Key, moment: datetime) -> Noted | None:
        """A note for a thread's first use of a voice since they were gathered.

        None where so many are kept already that this is not; its uses are lost.
        """
        self._on_first(key)
        keys = self._keys
        if key not in keys:
            if len(keys) >= self._most:
                return None
            keys.add(key)
        # A signal handler may have noted the same voice by now, whose note must not be replaced.
        return pad.notes.setdefault(key, Noted(0, moment))

    def gather(self) -> Noteds:
        """What all threads have noted, and was not let go of. Nobody changes it any more."""
        with self._lock:
            pads = list(self._pads.values())
            # Asked before: a thread may note something and end while others are gathered.
            ended = [pad for pad in pads if pad.owner() is None]
            for pad in pads:
                with pad.lock:
                    self._gathered[id(pad.notes)] = pad.notes
                    pad.notes = {}
                    self._lost += pad.lost
                    pad.lost = 0
            for pad in ended:
                del self._pads[id(pad)]
            merged = _merged(list(self._gathered.values()))
            self._gathered = {id(merged): merged}
            self._keys = set(merged)
            return merged

    def let_go(self, notes: Noteds) -> None:
        """Keep no more what was gathered: someone else has it now."""
        with self._lock:
            if self._gathered.pop(id(notes), None) is not None:
                self._keys = set()

    def take_lost(self) -> int:
        """How many uses were lost since this was asked."""
        with self._lock:
            lost, self._lost = self._lost, 0
            return lost

    def pending(self, besides: Noteds) -> int:
        """How many uses are noted here, and in what may have been let go of."""
        with self._lock:
            kept = {id(besides): besides} | self._gathered
            for pad in list(self._pads.values()):
                kept[id(pad.notes)] = pad.notes
            return sum(noted.uses for notes in kept.values() for noted in list(notes.values()))


def _merged(all_notes: Iterable[Noteds]) -> Noteds:
    """One of many, which stay as they are."""
    some = [notes for notes in all_notes if notes]
    if len(some) == 1:
        return some[0]
    merged: Noteds = {}
    for notes in some:
        for key, noted in notes.items():
            known = merged.get(key)
            if known is None:
                merged[key] = Noted(noted.uses, noted.last_at)
            else:
                known.uses += noted.uses
                known.last_at = max(known.last_at, noted.last_at)
    return merged
