"""What messages say in Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from voicereg.domain.messages import Item
from voicereg.domain.quotas import QuotaLevel
from voicereg.domain.states import State
from voicereg.domain.voices import DeadlineBasis
from voicereg.notify.commands import Commands
from voicereg.notify.inert import plain_words
from voicereg.notify.markup import Markup, Section
from voicereg.notify.phrases import day, percent, taken
from voicereg.notify.topics import Group, Topic

_HEADINGS = {
    Topic.ANY_DAY: "随时可能被删除的音色",
    Topic.DEADLINE: "因长期未使用即将被删除的音色",
    Topic.KEEP_ALIVE: "保活失败的音色",
    Topic.GONE: "服务端已不存在的音色",
    Topic.QUOTA: "即将用满的配额",
    Topic.RETIRING: "即将下线的模型",
    Topic.UNRESOLVED: "结果不明的创建请求",
    Topic.REJECTED: "未通过审核的音色",
    Topic.SAFE: "警报解除：已恢复安全的音色",
    Topic.ROOM: "警报解除：配额已有空余",
    Topic.SETTLED: "警报解除：创建请求已有结果",
    Topic.CLEARED: "警报解除：无需再关注",
}
_STATES = {
    State.CREATING: "创建中",
    State.UNRESOLVED: "结果不明",
    State.PENDING: "审核中",
    State.ACTIVE: "可用",
    State.REJECTED: "未通过审核",
    State.DELETING: "删除中",
    State.MISSING: "列表中未见",
}

_AT_PROVIDER = (Topic.ANY_DAY, Topic.DEADLINE)
"""Topics of voices that are expected to be at the provider."""


class Chinese:
    """Messages in Chinese."""

    colon = "："
    semicolon = "；"
    maybe_repeat = "以下部分内容可能已经发送过：上一轮在发送之后、记录之前中断。"
    repeat_mark = "（可能已发送过）"
    pinned = "已固定"

    def title(self, parts: Sequence[str], accounts: Sequence[str]) -> str:
        """The title: what there is, and of which accounts where there are several."""
        of = f"（{'、'.join(accounts)}）" if accounts else ""
        return f"voicereg{of}：{'，'.join(parts)}"

    def part(self, group: Group, now: datetime) -> str:
        """What the title says of a group."""
        count = len(group.items)
        concern = group.items[0].concern
        match group.topic:
            case Topic.ANY_DAY:
                return f"{count:,} 个音色随时可能被删除"
            case Topic.DEADLINE:
                return f"{count:,} 个音色即将被删除"
            case Topic.KEEP_ALIVE:
                return f"{count:,} 个音色保活失败"
            case Topic.GONE:
                return f"{count:,} 个音色已不存在"
            case Topic.QUOTA if concern.quota and count == 1:
                full = concern.quota.level is QuotaLevel.FULL
                used = "已满" if full else f"已用 {percent(concern.quota)}%"
                return f"{concern.quota.family.value} 配额{used}"
            case Topic.QUOTA:
                return f"{count:,} 项配额即将用满"
            case Topic.RETIRING if count == 1:
                model = plain_words(concern.subject.key, 40)
                return f"模型 {model} {_when(group.items[0], now)}"
            case Topic.RETIRING:
                return f"{count:,} 个模型即将下线"
            case Topic.UNRESOLVED:
                return f"{count:,} 个创建请求结果不明"
            case Topic.REJECTED:
                return f"{count:,} 个音色未通过审核"
            case Topic.SAFE:
                return f"{count:,} 个音色已恢复安全"
            case Topic.ROOM if concern.quota and count == 1:
                return f"{concern.quota.family.value} 配额已有空余"
            case Topic.ROOM:
                return f"{count:,} 项配额已有空余"
            case Topic.SETTLED:
                return f"{count:,} 个创建请求已有结果"
            case Topic.CLEARED:
                return f"{count:,} 个问题已解除"

    def heading(self, topic: Topic) -> str:
        """What stands over the items of a topic."""
        return _HEADINGS[topic]

    def what(self, item: Item, topic: Topic, now: datetime) -> str:
        """What there is to say of an item."""
        concern, voice = item.concern, item.voice
        quota, deadline = concern.quota, concern.deadline_at
        if quota is not None:
            figures = (
                f"已占用 {taken(quota):,} / {quota.limit:,}（{percent(quota)}%），"
                f"剩余 {quota.remaining:,}"
            )
            return f"{figures}；该数字可能已过时" if quota.stale else figures
        if topic is Topic.RETIRING and deadline is not None:
            return f"{_when(item, now)}（{day(deadline)}），涉及 {len(concern.voices):,} 个音色"
        if topic in _AT_PROVIDER and voice is not None and voice.state is State.MISSING:
            return "服务端已不再列出，可能已被删除"
        if topic is Topic.ANY_DAY and deadline is not None:
            return f"随时可能被删除，期限 {day(deadline)} 已过"
        if topic in (Topic.DEADLINE, Topic.KEEP_ALIVE) and deadline is not None:
            estimated = voice is not None and voice.deadline_basis is DeadlineBasis.ESTIMATED
            return f"{_left(item, now)}，期限 {day(deadline)}" + (
                "（估计的最早日期）" if estimated else ""
            )
        if voice is None:
            return "已没有音色受影响" if topic is Topic.CLEARED else "详情未知"
        if topic is Topic.UNRESOLVED:
            return f"请求发送于 {day(voice.created_at)}；音色可能存在，仍占用一个名额"
        if topic is Topic.REJECTED:
            return "无法使用，且仍占用一个名额"
        if voice.state in (State.EXPIRED, State.LOST):
            when = "" if voice.gone_at is None else f"于 {day(voice.gone_at)} "
            how = "期限之后" if voice.state is State.EXPIRED else "期限之前"
            return f"{when}确认已不存在（{how}）"
        if voice.state is State.DELETED:
            return "已按要求删除"
        if voice.state is State.FAILED:
            return "音色并未创建，名额已释放"
        if topic is Topic.SAFE:
            used = voice.last_used_at
            last = "" if used is None else f"最近使用于 {day(used)}，"
            return f"{last}安全期至 {day(deadline or voice.deadline_at)}"
        return f"当前状态：{_STATES[voice.state]}"

    def account(self, written: str) -> str:
        """That it is of an account."""
        return f"账号 {written}"

    def owner(self, written: str) -> str:
        """That it has an owner."""
        return f"负责人 {written}"

    def source(self, written: str) -> str:
        """Who has used it."""
        return f"使用来源 {written}"

    def aliases(self, written: str, count: int) -> str:
        """That it has aliases."""
        return f"别名 {written}"

    def voices(self, written: str, left_out: int) -> str:
        """Which voices it is about, and how many more."""
        return f"{written} 及另外 {left_out:,} 个" if left_out else written

    def why(self, written: str) -> str:
        """What went wrong."""
        return f"原因：{written}"

    def advice(self, commands: Commands, m: Markup) -> str | None:
        """What can be done about a group."""
        match commands.group.topic:
            case Topic.ANY_DAY | Topic.DEADLINE:
                use = m.code(commands.of_voice("synthesize", '"…" -o FILE'))
                pin = m.code(commands.of_voice("edit", "--pin"))
                return f"如需保留：{use} 使用一次，或 {pin} 交由自动保活。"
            case Topic.KEEP_ALIVE:
                use = m.code(commands.of_voice("synthesize", '"…" -o FILE'))
                return f"手动使用一次并查看问题：{use}"
            case Topic.GONE:
                show = m.code(commands.of_voice("show"))
                anew = m.code(commands.of_voice("recreate"))
                return f"同样的描述不会再生成同样的音色。查看记录：{show} ，设计替代音色：{anew}"
            case Topic.QUOTA:
                unused, delete = m.code(commands.list_unused()), m.code(commands.of_voice("delete"))
                return f"如需腾出名额：{unused} 列出长期未用的音色，{delete} 释放名额。"
            case Topic.RETIRING:
                bound = m.code(commands.list_model())
                anew = m.code(commands.of_voice("recreate", "--model MODEL"))
                return f"受影响的音色：{bound} ，请用其他模型重新设计：{anew}"
            case Topic.UNRESOLVED:
                sync = m.code(commands.sync())
                adopt = m.code(commands.of_voice("resolve", "--adopt VOICE_ID"))
                release = m.code(commands.of_voice("resolve", "--release"))
                return f"先运行 {sync} ；仍未解决时，若已生成音色：{adopt} ，若未生成：{release}"
            case Topic.REJECTED:
                return f"释放名额：{m.code(commands.of_voice('delete'))}"
            case _:
                return None

    def more(self, count: int, written: str) -> str:
        """That there are more items, and what shows them."""
        return f"… 另有 {count:,} 个：{written}"

    def left_out(self, count: int) -> str:
        """That there was no room for more items, of whatever topic."""
        return f"… 另有 {count:,} 条消息，此处篇幅不足"

    def trial_title(self, channel: str) -> str:
        """The title of a test of a channel."""
        return f"voicereg：通道 {channel} 的测试消息，无需处理"

    def trial(self, channel: str, registry: str, sent: str, host: str) -> Section:
        """That it is a test, from where, and that nothing is to be done."""
        return Section(
            "这是一条测试消息",
            (
                f"通道：{channel}",
                f"音色登记库：{registry}",
                f"发送时间：{sent}，由 {host} 上的 voicereg doctor 发送",
            ),
            "无需处理。今后有关音色和配额的提醒将通过此通道发送。",
        )


def _left(item: Item, now: datetime) -> str:
    left = item.left(now) or timedelta(0)
    if left == timedelta(0):
        return "随时可能被删除"
    return f"还剩 {left.days:,} 天" if left.days else "剩余不足一天"


def _when(item: Item, now: datetime) -> str:
    left = item.left(now) or timedelta(0)
    if left == timedelta(0):
        return "已到下线日期"
    return f"将于 {left.days:,} 天后下线" if left.days else "将于一天内下线"
