"""What a platform's registry looks like after years: accounts, voices of all ages, their uses.

Nothing here is measured; the same seed gives the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from voicereg.store.texts import SEARCHED, text_of

Row = dict[str, Any]

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
"""When somebody looks at it."""
LIVE_PER_ACCOUNT = 1_500
"""Of the 2,000 slots that an account has."""
GONE_PER_ACCOUNT = 1_000
"""Voices of years past; where few accounts share many voices, all others are such."""
PER_ACCOUNT = LIVE_PER_ACCOUNT + GONE_PER_ACCOUNT
LATELY_GONE = 20
"""Of each account, in the last weeks."""
RARE = 10
"""So many voices have a tag that no other has."""
_YEAR = timedelta(days=365)
_MODELS = {
    "cosyvoice": ("cosyvoice-v3.5-plus", "cosyvoice-v3.5-flash", "qwen-audio-3.0-tts-flash"),
    "qwen-tts": ("qwen3-tts-vd-2026-01-26", "qwen3-tts-vd-realtime-2026-01-15"),
}
_AGES = ("young", "middle-aged", "elderly", "teenage")
_WHO = ("announcer", "storyteller", "teacher", "pilot", "merchant", "detective", "grandmother")
_HOW = ("deep", "bright", "husky", "gentle", "magnetic", "crisp", "warm", "weary", "playful")
_WHAT = ("the evening news", "a children's tale", "a product video", "a radio drama", "a lesson")
_AGES_ZH = ("年轻", "中年", "年迈", "少年")
_WHO_ZH = ("播音员", "说书人", "教师", "飞行员", "掌柜", "侦探", "祖母")
_HOW_ZH = ("低沉浑厚", "清亮", "沙哑", "温柔", "富有磁性", "干脆利落", "热情", "疲惫", "俏皮")
_WHAT_ZH = ("晚间新闻", "童话故事", "产品视频", "广播剧", "课程讲解")
_TEXTS = ("Dear listeners, hello everyone.", "各位听众朋友，大家好。")
_TEAMS = ("news", "tales", "drama", "school", "shop", "games")
_SOURCES = ("reader", "player", "bot", "studio")
_SYLLABLES = ("ka", "lo", "mi", "ren", "shu", "ta", "vel", "yu", "zha", "no", "pe", "ri")


@dataclass
class Batch:
    """Rows of a few thousand voices, in the order in which they can be inserted."""

    voices: list[Row] = field(default_factory=list)
    voice_texts: list[Row] = field(default_factory=list)
    voice_tags: list[Row] = field(default_factory=list)
    voice_uses: list[Row] = field(default_factory=list)
    aliases: list[Row] = field(default_factory=list)
    voice_previews: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)


def batches(
    count: int,
    accounts: list[tuple[int, int, str]],
    *,
    live: int = LIVE_PER_ACCOUNT,
    size: int = 5_000,
    seed: int = 0,
) -> Iterator[Batch]:
    """Rows of so many voices, shared out among accounts in equal parts.

    Args:
        count: how many voices.
        accounts: the id, quota group and name of each account.
        live: how many of an account's voices are still there, where it has more than that.
        size: how many voices are in a batch.
        seed: of everything that is by chance.
    """
    random = Random(seed)
    gone = max(GONE_PER_ACCOUNT / PER_ACCOUNT, 1 - live * len(accounts) / count)
    batch = Batch()
    seen: Counter[int] = Counter()
    for number in range(count):
        # An account's voices lie together, as those of a page that is read lie together.
        account_id, group_id, account = accounts[number * len(accounts) // count]
        is_gone = random.random() < gone
        seen[account_id] += is_gone
        voice = _voice(number, random, is_gone=is_gone, lately=seen[account_id] <= LATELY_GONE)
        voice |= {"account_id": account_id, "quota_group_id": group_id}
        _add(batch, voice, number, account, random)
        if number % max(1, count // RARE) == 0:
            batch.voice_tags.append({"voice": voice["id"], "key": "rare", "value": "yes"})
        if len(batch.voices) == size:
            yield batch
            batch = Batch()
    if batch.voices:
        yield batch


def text_row(voice: Row) -> Row:
    """What a voice is searched by."""
    return {"voice": voice["id"], "text": text_of(voice.get(name) for name in SEARCHED)}


def _add(batch: Batch, voice: Row, number: int, account: str, random: Random) -> None:
    batch.voices.append(voice)
    batch.voice_texts.append(text_row(voice))
    id_, account_id, created = voice["id"], voice["account_id"], voice["created_at"]
    tags = {"team": random.choice(_TEAMS)}
    if random.random() < 0.3:
        tags["project"] = f"project-{random.randrange(500)}"
    batch.voice_tags += [{"voice": id_, "key": key, "value": tags[key]} for key in tags]
    batch.voice_uses += _uses(voice, random)
    if voice["gone_at"] is None and random.random() < 0.05:
        name = f"{voice['name']}-{number}"
        batch.aliases.append(
            {"account_id": account_id, "name": name, "voice": id_, "updated_at": created}
        )
    if random.random() < 0.01:
        batch.voice_previews.append(
            {
                "voice": id_,
                "data": random.randbytes(2_000),
                "response_format": "wav",
                "sample_rate": 24_000,
                "kept_at": created,
            }
        )
    batch.events.append(
        {
            "at": created,
            "actor": "registry@host",
            "action": "voice.create",
            "account": account,
            "voice": id_,
            "before": None,
            "after": {"state": "creating"},
            "reason": None,
        }
    )


def _voice(number: int, random: Random, *, is_gone: bool, lately: bool) -> Row:
    family = "cosyvoice" if number % 2 else "qwen-tts"
    model = random.choice(_MODELS[family])
    created = NOW - random.random() * (6 * _YEAR if is_gone else 3 * _YEAR)
    used = _last_use(created, random) if is_gone else _recent_use(created, random)
    deadline = max(used or created, created) + _YEAR
    gone = None
    if is_gone:
        gone = min(deadline, NOW - (timedelta(days=1) if lately else timedelta(days=40)))
    name = "".join(random.choice(_SYLLABLES) for _ in range(random.randint(2, 4)))[:10]
    prompt = _prompt(number, random)
    state = random.choice(("expired", "expired", "deleted", "lost")) if gone else "active"
    return {
        "id": f"v{number:011d}",
        "family": family,
        "voice_id": f"{model}-vd-{name}-{number:08x}",
        "target_model": model,
        "origin": "designed" if random.random() < 0.9 else "cloned",
        "state": state,
        "state_reason": None,
        "name": name,
        "prompt": prompt,
        "preview_text": random.choice(
            ("Dear listeners, hello everyone.", "各位听众朋友，大家好。")
        ),
        "language": random.choice(("zh", "en")),
        "sample_rate": 24_000,
        "response_format": "wav",
        "created_at": created,
        "last_used_at": used,
        "last_used_source": None if used is None else random.choice(_SOURCES),
        "deadline_at": deadline,
        "deadline_basis": "created" if used is None else "used",
        "pinned": random.random() < 0.02,
        "owner": f"team-{random.randrange(40)}",
        "note": None,
        "gone_at": gone,
        "updated_at": gone or used or created,
    }


def _last_use(created: datetime, random: Random) -> datetime | None:
    if random.random() < 0.3:
        return None
    return created + random.random() * max(NOW - created - _YEAR, timedelta(0))


def _recent_use(created: datetime, random: Random) -> datetime | None:
    """Of a voice that is still there: within the year, and so that few are due."""
    if random.random() < 0.9 or NOW - created > timedelta(days=300):
        within = min(NOW - created, timedelta(days=300))
        return NOW - random.random() * within
    return None


def _prompt(number: int, random: Random) -> str:
    if random.random() < 0.5:
        return (
            f"A {random.choice(_AGES)} {random.choice(_WHO)} with a {random.choice(_HOW)} and "
            f"{random.choice(_HOW)} voice, for {random.choice(_WHAT)}; "
            f"take {number}."
        )
    return (
        f"{random.choice(_AGES_ZH)}的{random.choice(_WHO_ZH)}，嗓音{random.choice(_HOW_ZH)}，"
        f"语气{random.choice(_HOW_ZH)}，适合{random.choice(_WHAT_ZH)}，第{number}版。"
    )


def _uses(voice: Row, random: Random) -> list[Row]:
    last: datetime | None = voice["last_used_at"]
    if last is None:
        return []
    days: set[date] = {last.date()}
    for _ in range(random.randrange(4)):
        days.add((last - random.random() * max(last - voice["created_at"], _DAY)).date())
    return [
        {
            "voice": voice["id"],
            "day": day,
            "source": voice["last_used_source"],
            "uses": random.randint(1, 500),
        }
        for day in days
    ]


_DAY = timedelta(days=1)
