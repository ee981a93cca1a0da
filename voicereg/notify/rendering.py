"""What a message says: its title, and its text in each form that channels want."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from voicereg.domain.messages import Item, Language, Message, News
from voicereg.notify.chinese import Chinese
from voicereg.notify.commands import Commands, identifier
from voicereg.notify.english import English
from voicereg.notify.inert import plain_words
from voicereg.notify.markup import Html, Markdown, Markup, Plain, Section
from voicereg.notify.phrases import Phrases, minute
from voicereg.notify.topics import Group, Topic, grouped
from voicereg.notify.trial import Trial

LIMIT = 3_400
"""How long a text may be: what a chat program takes in one piece, and a person reads."""
_TITLE_LIMIT = 120
_TITLE_ACCOUNTS = 3
_TRIAL_NAME = 40
_WITHOUT_WHY = frozenset({Topic.SAFE, Topic.CLEARED})
"""What went wrong once is no news when it is over."""
_LANGUAGES: dict[Language, Phrases] = {Language.ENGLISH: English(), Language.CHINESE: Chinese()}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message in words."""

    title: str
    """One short line, with nothing in it that any kind of markup would act upon."""
    text: str
    markdown: str
    html: str


@dataclass(frozen=True, slots=True)
class _Detail:
    """How much is told, where there is much to tell."""

    items: int
    """Of each topic."""
    name: int
    """The length of a name."""
    why: int
    facts: bool = True
    """Whether owner, tags and the like are told."""


_FULL = _Detail(items=10, name=60, why=200)
_DETAILS = (
    _FULL,
    _Detail(items=10, name=40, why=120),
    _Detail(items=6, name=40, why=120),
    _Detail(items=10, name=30, why=80, facts=False),
    _Detail(items=4, name=30, why=80, facts=False),
    _Detail(items=2, name=24, why=60, facts=False),
    _Detail(items=1, name=20, why=40, facts=False),
)


def is_short(rendered: Rendered) -> bool:
    """Whether a message is short enough to be read; what HTML adds to it is not seen."""
    return max(len(rendered.text), len(rendered.markdown)) <= LIMIT


def render(
    message: Message, language: Language, *, fits: Callable[[Rendered], bool] = is_short
) -> Rendered:
    """A message in words: everything where there is room, else the most urgent and a count.

    Args:
        message: what to tell.
        language: what to tell it in.
        fits: whether there is room for it. Where there is not even for the most urgent item,
            that is what it says all the same.
    """
    phrases = _LANGUAGES[language]
    if isinstance(message, Trial):
        return _tried(message, phrases)
    groups = grouped(message)
    for detail in _DETAILS:
        rendered = _written(message, phrases, groups, len(groups), detail)
        if fits(rendered):
            return rendered
    for shown in range(len(groups) - 1, 0, -1):
        rendered = _written(message, phrases, groups, shown, _DETAILS[-1])
        if fits(rendered):
            break
    return rendered


def log_lines(message: Message, language: Language) -> Iterator[tuple[News, str]]:
    """A message as lines that each say all about one item, or how many more there are."""
    phrases = _LANGUAGES[language]
    plain = Plain()
    if isinstance(message, Trial):
        section = _trial(message, phrases, plain)
        told = phrases.semicolon.join((*section.lines, section.advice or ""))
        yield News.ALL_CLEAR, section.heading + phrases.colon + told
        return
    several = len(_accounts(message)) > 1
    for group in grouped(message):
        heading = phrases.heading(group.topic) + phrases.colon
        for line in _lines(phrases, plain, group, _FULL, message.made_at, several):
            yield group.items[0].news, heading + line


def _tried(message: Trial, phrases: Phrases) -> Rendered:
    def page(m: Markup) -> str:
        return m.page(None, [_trial(message, phrases, m)])

    title = phrases.trial_title(plain_words(message.channel, _TRIAL_NAME))
    return Rendered(title, page(Plain()), page(Markdown()), page(Html()))


def _trial(message: Trial, phrases: Phrases, m: Markup) -> Section:
    return phrases.trial(
        m.said(message.channel, _FULL.name),
        m.said(message.registry, _FULL.why),
        minute(message.made_at),
        m.said(message.host, _FULL.name),
    )


def _written(
    message: Message, phrases: Phrases, groups: Sequence[Group], shown: int, detail: _Detail
) -> Rendered:
    several = len(_accounts(message)) > 1
    left_out = sum(len(group.items) for group in groups[shown:])
    notes = [phrases.maybe_repeat] if message.maybe_repeat else []
    if left_out:
        notes.append(phrases.left_out(left_out))

    def page(m: Markup) -> str:
        sections = [
            Section(
                phrases.heading(group.topic),
                list(_lines(phrases, m, group, detail, message.made_at, several)),
                phrases.advice(Commands(group), m),
            )
            for group in groups[:shown]
        ]
        return m.page(" ".join(notes) or None, sections)

    title = _title(message, phrases, groups)
    return Rendered(title, page(Plain()), page(Markdown()), page(Html()))


def _title(message: Message, phrases: Phrases, groups: Sequence[Group]) -> str:
    accounts = [plain_words(account, 20) for account in _accounts(message)]
    named = accounts[:_TITLE_ACCOUNTS] + ["…"] * (len(accounts) > _TITLE_ACCOUNTS)
    parts = [phrases.part(group, message.made_at) for group in groups]
    for kept in range(len(parts), 0, -1):
        told = parts[:kept] + ["…"] * (kept < len(parts))
        title = phrases.title(told, named if len(accounts) > 1 else ())
        if len(title) <= _TITLE_LIMIT:
            break
    return title


def _accounts(message: Message) -> list[str]:
    return list(dict.fromkeys(item.concern.subject.account for item in message.items))


def _lines(
    phrases: Phrases, m: Markup, group: Group, detail: _Detail, now: datetime, several: bool
) -> Iterator[str]:
    # One item more than is meant to be shown takes no more room than saying that there is one.
    shown = detail.items if len(group.items) > detail.items + 1 else len(group.items)
    for item in group.items[:shown]:
        yield _line(phrases, m, item, group.topic, detail, now, several)
    if shown < len(group.items):
        yield phrases.more(len(group.items) - shown, m.code(Commands(group).more()))


def _line(
    phrases: Phrases,
    m: Markup,
    item: Item,
    topic: Topic,
    detail: _Detail,
    now: datetime,
    several: bool,
) -> str:
    subject = _subject(m, item, detail)
    if item.maybe_repeat:
        subject = f"{subject} {phrases.repeat_mark}"
    told = [phrases.what(item, topic, now)]
    if several:
        told.append(phrases.account(m.said(item.concern.subject.account, detail.name)))
    if detail.facts:
        told.extend(_facts(phrases, m, item, topic, detail))
    if item.concern.why is not None and topic not in _WITHOUT_WHY:
        told.append(phrases.why(m.said(item.concern.why, detail.why)))
    return subject + phrases.colon + phrases.semicolon.join(told)


def _subject(m: Markup, item: Item, detail: _Detail) -> str:
    voice, quota = item.voice, item.concern.quota
    if voice is None:
        named = item.concern.subject.key if quota is None else quota.family.value
        return m.strong(m.said(named, _FULL.name))
    name = m.said(voice.name, detail.name)
    code = m.code(identifier(item) or "")
    return f"{m.strong(name)} ({code})" if name else code


def _facts(phrases: Phrases, m: Markup, item: Item, topic: Topic, detail: _Detail) -> Iterator[str]:
    voice = item.voice
    if voice is None:
        if item.concern.voices:
            first = item.concern.voices[:3]
            written = ", ".join(m.said(each.name or each.id, detail.name) for each in first)
            yield phrases.voices(written, len(item.concern.voices) - len(first))
        return
    if topic is Topic.SAFE and voice.last_used_at and voice.last_used_source:
        yield phrases.source(m.said(voice.last_used_source, detail.name))
    if voice.target_model is not None:
        yield m.said(voice.target_model, detail.name)
    if voice.owner:
        yield phrases.owner(m.said(voice.owner, detail.name))
    if voice.tags:
        tags = (f"{key}={value}" if value else key for key, value in sorted(voice.tags.items()))
        yield m.said(" ".join(tags), detail.name)
    if voice.aliases:
        written = m.said(", ".join(voice.aliases), detail.name)
        yield phrases.aliases(written, len(voice.aliases))
    if voice.pinned:
        yield phrases.pinned
