"""Reserve and confirm on SQLite, against the same statements in plain ``sqlite3``.

Both use the same file system (give one on a disk with ``TMPDIR``), the same pragmas and the same
durability: two transactions, each of them synchronous.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from benchmarks.pairs import Result, compare, main
from benchmarks.registries import fill
from voicereg import Registry, Settings

_ROUND = 20
"""Reservations in one measured round."""
_HELD = 500
"""Voices that are there already, of both families."""
_ASKED = {
    "target_model": "cosyvoice-v3.5-plus",
    "prompt": "A composed middle-aged male announcer with a deep, rich and magnetic voice.",
    "preview_text": "Dear listeners, hello everyone. Welcome to the evening news.",
    "name": "announcer",
}


def measure_all(pairs: int) -> Sequence[Result]:
    """The one row."""
    with tempfile.TemporaryDirectory() as directory:
        own, other = Path(directory) / "own.db", Path(directory) / "other.db"
        for path in (own, other):
            fill(path, _HELD)
        plain = _Plain(other)
        with Registry.open(str(own), settings=Settings(), environment={}) as registry:
            _unlimited(registry)
            numbers = count()

            def reserve() -> float:
                started = time.perf_counter()
                for _ in range(_ROUND):
                    with registry.reserve(**_ASKED) as slot:  # type: ignore[arg-type]
                        slot.confirm(f"cosyvoice-v3.5-plus-vd-announcer-own{next(numbers)}")
                return (time.perf_counter() - started) / _ROUND

            def reserve_plainly() -> float:
                started = time.perf_counter()
                for _ in range(_ROUND):
                    number = next(numbers)
                    plain.reserve(f"w{number:011d}")
                    plain.confirm(f"w{number:011d}", f"cosyvoice-v3.5-plus-vd-announcer-{number}")
                return (time.perf_counter() - started) / _ROUND

            result = compare(
                "reserve + confirm, SQLite",
                reserve,
                "the same statements in plain sqlite3, same pragmas",
                reserve_plainly,
                reach=4.0,
                pairs=pairs,
            )
        plain.connection.close()
        return [result]


def _unlimited(registry: Registry) -> None:
    registry.accounts.edit(
        "default",
        region=None,
        workspace=None,
        base_url=None,
        api_key_env=None,
        quota_group=None,
        limits={"cosyvoice": 1_000_000},  # type: ignore[dict-item]
        unchecked=False,
    )


class _Plain:
    """What a reservation does to the database, without any of the program around it."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("foreign_keys=ON", "synchronous=FULL", "journal_mode=WAL"):
            self.connection.execute(f"PRAGMA {pragma}")
        self.connection.execute("UPDATE quota_limits SET slots = 1000000")

    def reserve(self, voice: str) -> None:
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        account = execute(
            "SELECT a.*, g.name, l.family, l.slots FROM accounts a "
            "JOIN quota_groups g ON a.quota_group_id = g.id "
            "JOIN quota_limits l ON l.quota_group_id = g.id "
            "WHERE a.name = ? ORDER BY a.name, l.family",
            ("default",),
        ).fetchall()[0]
        execute(
            "SELECT slots FROM quota_limits WHERE quota_group_id = ? AND family = ?",
            (1, "cosyvoice"),
        ).fetchone()
        execute(
            "SELECT count(*) FROM voices WHERE quota_group_id = ? AND family = ? AND state IN "
            "('creating','unresolved','pending','active','rejected','deleting','missing')",
            (1, "cosyvoice"),
        ).fetchone()
        now = datetime.now(UTC).replace(tzinfo=None)
        values = {
            "id": voice,
            "account_id": account[0],
            "quota_group_id": 1,
            "family": "cosyvoice",
            "target_model": _ASKED["target_model"],
            "origin": "designed",
            "state": "creating",
            "name": _ASKED["name"],
            "prompt": _ASKED["prompt"],
            "preview_text": _ASKED["preview_text"],
            "sample_rate": 24000,
            "response_format": "wav",
            "created_at": str(now),
            "deadline_at": str(now + timedelta(days=365)),
            "deadline_basis": "created",
            "pinned": False,
            "lease_holder": "host:1:x",
            "lease_expires_at": str(now + timedelta(minutes=15)),
            "updated_at": str(now),
        }
        execute(
            f"INSERT INTO voices ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            tuple(values.values()),
        )
        text = self._text(_ASKED["name"], _ASKED["prompt"], _ASKED["preview_text"])
        execute("INSERT INTO voice_texts (voice, text) VALUES (?, ?)", (voice, text))
        self._log(now, "voice.create", voice, {}, values)
        execute("COMMIT")

    def confirm(self, voice: str, voice_id: str) -> None:
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        execute(
            "SELECT v.*, a.name, (SELECT json_group_object(t.key, t.value) FROM voice_tags t "
            "WHERE t.voice = v.id) FROM voices v JOIN accounts a ON v.account_id = a.id "
            "WHERE v.id = ?",
            (voice,),
        ).fetchone()
        execute(
            "SELECT id FROM voices WHERE quota_group_id = ? AND voice_id = ?", (1, voice_id)
        ).fetchone()
        now = datetime.now(UTC).replace(tzinfo=None)
        execute(
            "UPDATE voices SET state = 'pending', voice_id = ?, lease_holder = NULL, "
            "lease_expires_at = NULL, updated_at = ? WHERE id = ?",
            (voice_id, str(now), voice),
        )
        found = execute(
            "SELECT name, prompt, preview_text, note, voice_id FROM voices WHERE id = ?", (voice,)
        ).fetchone()
        execute(
            "INSERT INTO voice_texts (voice, text) VALUES (?, ?) "
            "ON CONFLICT (voice) DO UPDATE SET text = excluded.text",
            (voice, self._text(*found)),
        )
        self._log(now, "voice.confirm", voice, {"state": "creating"}, {"voice_id": voice_id})
        execute("COMMIT")

    @staticmethod
    def _text(*fields: str | None) -> str:
        return "\x1f".join(field for field in fields if field).lower() + "\x1f\x1f"

    def _log(self, now: datetime, action: str, voice: str, before: object, after: object) -> None:
        self.connection.execute(
            'INSERT INTO events (at, actor, action, account, voice, "before", "after") '
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                str(now),
                "bench",
                action,
                "default",
                voice,
                json.dumps(before),
                json.dumps(after),
            ),
        )


if __name__ == "__main__":
    main(__doc__ or "", measure_all, pairs=15)
