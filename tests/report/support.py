"""Reports of registries that tests fill by hand, and what a page says when it is read again."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from html.parser import HTMLParser
from typing import Any

import sqlalchemy as sa

from tests.registry.rows import begun
from voicereg import Registry
from voicereg.housekeeping.foresight import foresee
from voicereg.report import Facts, Page, Previews, read_facts
from voicereg.sandbox.audio import wav_file
from voicereg.tables import voice_previews, voice_tags, voice_uses

ROOM = 20_000_000


def facts_of(registry: Registry, *accounts: str, most_voices: int = 5_000) -> Facts:
    """What a report of the default account tells, or of some accounts."""
    foreseen = foresee(registry, accounts or ["default"])
    return read_facts(
        registry,
        account=registry.ALL_ACCOUNTS if len(accounts) > 1 else next(iter(accounts), None),
        concerns=foreseen.concerns,
        messages=foreseen.messages,
        most_voices=most_voices,
    )


def page_of(
    registry: Registry,
    facts: Facts | None = None,
    *,
    room_bytes: int = ROOM,
    zone: tzinfo = UTC,
    folder: str | None = "report-previews",
) -> str:
    """The page of a report."""
    facts = facts or facts_of(registry)
    found = facts.registry
    previews = Previews.place(found.voices, found.previews, room_bytes=room_bytes, folder=folder)
    page = Page(facts, previews, read_preview=registry.reports.preview, zone=zone)
    return "".join(page.pieces())


def keep_preview(
    url: str, voice: str, data: bytes, *, response_format: str = "wav", rate: int | None = 8_000
) -> None:
    """Keep a preview behind the registry's back."""
    with begun(url) as connection:
        connection.execute(
            sa.insert(voice_previews).values(
                voice=voice,
                data=data,
                response_format=response_format,
                sample_rate=rate,
                kept_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )


def tag(url: str, voice: str, **tags: str) -> None:
    """Tag a voice behind the registry's back."""
    with begun(url) as connection:
        rows = [{"voice": voice, "key": key, "value": value} for key, value in tags.items()]
        connection.execute(sa.insert(voice_tags), rows)


def use(url: str, voice: str, day: datetime, uses: int, source: str = "reader") -> None:
    """Count uses of a voice behind the registry's back."""
    with begun(url) as connection:
        row = {"voice": voice, "day": day.date(), "source": source, "uses": uses}
        connection.execute(sa.insert(voice_uses).values(row))


def tone(seconds: float) -> bytes:
    """A WAV file that a browser plays."""
    samples = range(int(8_000 * seconds))
    return wav_file(
        b"".join(struct.pack("<h", int(3_000 * math.sin(one / 4))) for one in samples), 8_000
    )


VOID = {"meta", "link", "input", "br", "line", "rect"}


@dataclass
class Element:
    """An element of a page."""

    name: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(one if isinstance(one, str) else one.text for one in self.children)

    def all(self, name: str | None = None, /, **attributes: Any) -> Iterator[Element]:
        """The elements below, in order, that are called so and have such attributes."""
        for child in self.children:
            if isinstance(child, str):
                continue
            has = {
                key: child.attributes.get(key.replace("_", "-").rstrip("-")) for key in attributes
            }
            if (name is None or child.name == name) and has == attributes:
                yield child
            yield from child.all(name, **attributes)


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        assert len(element.attributes) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._open[-1].name, f"</{tag}> ends <{self._open[-1].name}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def parsed(html: str) -> Element:
    """The page as a tree; every element in it has its end."""
    tree = _Tree()
    tree.feed(html)
    tree.close()
    assert tree._open == [tree.root]
    return tree.root


def rows_of(page: Element) -> list[Element]:
    """The rows of the table of voices."""
    (table,) = page.all("table", class_="voices")
    (body,) = table.all("tbody")
    return list(body.all("tr"))


def allowed_digests(page: Element) -> set[str]:
    """What the page's own policy lets it run and apply."""
    (meta,) = page.all("meta", http_equiv="Content-Security-Policy")
    return set(re.findall(r"'(sha256-[^']+)'", meta.attributes["content"] or ""))


def digest(text: str) -> str:
    """What a policy names an inlined text by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
