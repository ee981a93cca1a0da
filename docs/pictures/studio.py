"""The registry of a studio that there is not: 2,000 voices, a year of uses, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import sqlalchemy as sa

from voicereg.engine import Database
from voicereg.sandbox.audio import preview_audio
from voicereg.schema.migrate import upgrade
from voicereg.store.texts import SEARCHED, text_of
from voicereg.tables import (
    accounts,
    aliases,
    sync_states,
    voice_previews,
    voice_tags,
    voice_texts,
    voice_uses,
    voices,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""When somebody looks at it."""
_YEAR = timedelta(days=365)
_DAY = timedelta(days=1)
STANDING = {"cosyvoice": 957, "qwen-tts": 835}
"""How many voices of each family hold a slot."""
_GONE = 208
_WITH_PREVIEW = 48
_MODELS = {
    "cosyvoice": ("cosyvoice-v3.5-plus", "cosyvoice-v3.5-flash", "cosyvoice-v3-plus"),
    "qwen-tts": ("qwen3-tts-vd-2026-01-26", "qwen3-tts-vd-realtime-2026-01-15"),
}
_OWNERS = ("audiobooks", "newsroom", "games", "school", "radio drama", "product video", "客服")
_PROJECTS = ("river", "lantern", "harbour", "atlas", "morning")
_SOURCES = ("reader", "player", "studio", "bot")


@dataclass(frozen=True)
class _Role:
    """What voices are made for."""

    name: str
    english: str
    chinese: str
    says_english: str
    says_chinese: str


_ROLES = (
    _Role(
        "anchor",
        "A composed news anchor, {how}, steady in pace and clear in every word.",
        "沉稳的新闻主播，嗓音{how}，语速平稳，吐字清晰。",
        "Good evening. These are tonight's headlines.",
        "各位观众晚上好，欢迎收看晚间新闻。",
    ),
    _Role(
        "narrator",
        "A {how} narrator who reads novels with quiet wonder and long breaths.",
        "有声书旁白，嗓音{how}，娓娓道来，富有画面感。",
        "The house had been empty for eleven years when the lamp was lit again.",
        "那座老宅空了十一年，直到这天夜里，灯又亮了。",
    ),
    _Role(
        "grandpa",
        "An old storyteller, {how}, never in a hurry, with a smile in his voice.",
        "年迈的说书人，嗓音{how}，不紧不慢，带着笑意。",
        "Come closer, children, and I will tell you of the sea.",
        "从前有座山，山里有座庙，庙里有个老和尚。",
    ),
    _Role(
        "teacher",
        "A patient teacher, {how}, who explains one thing after the other.",
        "耐心的老师，声音{how}，讲解循循善诱。",
        "Let us look at the first example together.",
        "同学们，我们先来看第一个例子。",
    ),
    _Role(
        "pilot",
        "A pilot on the intercom, {how}, unhurried and friendly.",
        "机长广播，嗓音{how}，从容亲切。",
        "We have reached our cruising altitude; the weather ahead is fine.",
        "各位旅客，飞机已进入平飞阶段，前方天气良好。",
    ),
    _Role(
        "sleuth",
        "A tired detective, {how}, speaking low so that nobody else hears.",
        "疲惫的侦探，嗓音{how}，压低声音说话。",
        "Nobody leaves this room until the clock strikes nine.",
        "九点之前，谁也不许离开这个房间。",
    ),
    _Role(
        "hostess",
        "A cheerful hostess of a cooking show, {how} and quick.",
        "美食节目主持人，声音{how}，语速轻快。",
        "Today we need three eggs, a lemon and a little patience.",
        "今天我们要准备三个鸡蛋、一颗柠檬，还有一点耐心。",
    ),
    _Role(
        "guide",
        "A museum guide, {how}, leaving room for the visitor's own thoughts.",
        "博物馆讲解员，嗓音{how}，娓娓而谈。",
        "This bowl was made eight hundred years ago, in a village by the river.",
        "这只碗出自八百年前江边的一座村庄。",
    ),
)
_HOW = (
    ("deep and magnetic", "低沉浑厚"),
    ("bright and clear", "清亮"),
    ("husky", "沙哑"),
    ("gentle and warm", "温柔"),
    ("crisp", "干脆利落"),
    ("soft, almost whispering", "轻柔如耳语"),
    ("warm, with a smile", "热情含笑"),
    ("rich and round", "圆润饱满"),
)


def fill(url: str) -> None:
    """Set an empty database up as the studio's registry.

    Args:
        url: of a SQLite file that is not there yet, or an empty database.
    """
    random = Random(35)
    database = Database.open(url)
    try:
        upgrade(database)
        with database.write() as connection:
            owner = connection.execute(sa.select(accounts)).one()
            began = NOW - 2 * _YEAR
            connection.execute(sa.update(accounts).values(created_at=began, updated_at=began))
            connection.execute(
                sa.insert(sync_states),
                [
                    {
                        "account_id": owner.id,
                        "family": family,
                        "tried_at": NOW - timedelta(minutes=42),
                        "synced_at": NOW - timedelta(minutes=42),
                        "problem": None,
                    }
                    for family in STANDING
                ],
            )
            rows = list(_voices(random, owner.id, owner.quota_group_id))
            connection.execute(sa.insert(voices), rows)
            connection.execute(
                sa.insert(voice_texts),
                [
                    {"voice": row["id"], "text": text_of(row[name] for name in SEARCHED)}
                    for row in rows
                ],
            )
            connection.execute(sa.insert(voice_tags), list(_tags(random, rows)))
            connection.execute(sa.insert(voice_uses), list(_uses(random, rows)))
            connection.execute(sa.insert(aliases), list(_aliases(rows, owner.id)))
            connection.execute(sa.insert(voice_previews), list(_previews(rows)))
    finally:
        database.close()


def _voices(random: Random, account_id: int, group_id: int) -> Iterator[dict[str, Any]]:
    number = 0
    for family, standing in STANDING.items():
        for place in range(standing + _GONE // 2):
            yield _voice(random, number, family, is_gone=place >= standing) | {
                "account_id": account_id,
                "quota_group_id": group_id,
            }
            number += 1


def _voice(random: Random, number: int, family: str, *, is_gone: bool) -> dict[str, Any]:
    role, how = random.choice(_ROLES), random.choice(_HOW)
    is_chinese = random.random() < 0.5
    model = random.choices(_MODELS[family], (6, 3, 1)[: len(_MODELS[family])])[0]
    name = f"{role.name[:8]}{number % 97:02}"
    created, used, gone = _life(random, is_gone=is_gone)
    is_cloned = random.random() < 0.06
    deadline = max(created, used or created) + _YEAR
    state = "active"
    if gone is not None:
        state = "expired" if gone >= deadline else random.choice(("deleted", "deleted", "lost"))
    elif family == "cosyvoice" and number % 211 == 7:
        state = "rejected"
    prompt = role.chinese.format(how=how[1]) if is_chinese else role.english.format(how=how[0])
    says = role.says_chinese if is_chinese else role.says_english
    basis = "used" if used else "estimated" if created < NOW - 1.2 * _YEAR else "created"
    return {
        "id": _id(random),
        "family": family,
        "voice_id": f"{model}-{'vc' if is_cloned else 'vd'}-{name}-{number:08x}",
        "target_model": model,
        "origin": "cloned" if is_cloned else "designed",
        "state": state,
        "state_reason": "the review refused the preview text" if state == "rejected" else None,
        "name": name,
        "prompt": None if is_cloned else prompt,
        "preview_text": None if is_cloned else says,
        "language": "zh" if is_chinese else "en",
        "sample_rate": 24_000,
        "response_format": "wav",
        "created_at": created,
        "last_used_at": used,
        "last_used_source": random.choice(_SOURCES) if used else None,
        "deadline_at": deadline,
        "deadline_basis": basis,
        "pinned": not is_gone and random.random() < 0.03,
        "owner": random.choice(_OWNERS) if random.random() < 0.85 else None,
        "note": "the season's lead; ask before any change" if number % 131 == 0 else None,
        "gone_at": gone,
        "updated_at": gone or used or created,
    }


def _life(random: Random, *, is_gone: bool) -> tuple[datetime, datetime | None, datetime | None]:
    """When a voice was made, last used, and gone."""
    if is_gone:
        created = NOW - (0.4 + 1.5 * random.random()) * _YEAR
        gone = min(created + (0.2 + random.random()) * _YEAR, NOW - 420 * random.random() * _DAY)
        return created, None, gone
    age = random.triangular(0, 2 * 365, 40) * _DAY
    created = NOW - age
    chance = random.random()
    if chance < 0.16 and age < 1.03 * _YEAR:
        return created, None, None
    if chance < 0.20:
        # Not used for very long: near the end, or past it.
        idle = random.uniform(300, 372) * _DAY
    elif chance < 0.6:
        idle = random.expovariate(1 / 20) * _DAY
    else:
        idle = random.uniform(0, 300) * _DAY
    return created, NOW - min(idle, max(age - _DAY, timedelta(minutes=5))), None


def _id(random: Random) -> str:
    letters = "abcdefghjkmnpqrstvwxyz"
    return random.choice(letters) + "".join(random.choices("0123456789" + letters, k=11))


def _tags(random: Random, rows: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for row in rows:
        if random.random() < 0.5:
            yield {"voice": row["id"], "key": "project", "value": random.choice(_PROJECTS)}
        if random.random() < 0.12:
            yield {"voice": row["id"], "key": "production", "value": ""}


def _uses(random: Random, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        last: datetime | None = row["last_used_at"]
        if last is None:
            continue
        days: set[date] = {last.date()}
        since = max(row["created_at"], NOW - 1.1 * _YEAR)
        for _ in range(random.randrange(9)):
            days.add((last - random.random() * max(last - since, timedelta(0))).date())
        for day in sorted(days):
            yield {
                "voice": row["id"],
                "day": day,
                "source": row["last_used_source"],
                "uses": int(random.lognormvariate(3.4, 0.9)) + 1,
            }


def _aliases(rows: list[dict[str, Any]], account_id: int) -> Iterator[dict[str, Any]]:
    standing = [row for row in rows if row["state"] == "active"]
    for number, row in enumerate(standing[::90]):
        yield {
            "account_id": account_id,
            "name": f"{row['name'].rstrip('0123456789')}-of-the-day-{number + 1}",
            "voice": row["id"],
            "updated_at": NOW - 30 * _DAY,
        }


def _previews(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Of those with the soonest deadlines, which are seen first."""
    standing = sorted(
        (row for row in rows if row["gone_at"] is None and row["origin"] == "designed"),
        key=lambda row: row["deadline_at"],
    )
    for row in standing[:_WITH_PREVIEW]:
        yield {
            "voice": row["id"],
            "data": preview_audio(row["voice_id"], 8_000, "wav"),
            "response_format": "wav",
            "sample_rate": 8_000,
            "kept_at": row["created_at"],
        }
