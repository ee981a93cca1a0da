"""Plain text, Markdown and HTML: how each writes a name, a command and a page."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from voicereg.notify.inert import inert

_MARKDOWN = re.compile(r"([\\*_~|#&!$])")


@dataclass(frozen=True, slots=True)
class Section:
    """What is written of one matter."""

    heading: str
    lines: Sequence[str]
    """One for each item."""
    advice: str | None


class Markup(Protocol):
    """A way of writing. Phrases that are not somebody's text are written as they are."""

    def said(self, text: str, limit: int) -> str:
        """Somebody's text, made harmless."""

    def strong(self, written: str) -> str:
        """Something that stands out."""

    def code(self, command: str) -> str:
        """Something to be typed as it stands."""

    def page(self, note: str | None, sections: Sequence[Section]) -> str:
        """A whole message."""


class Plain:
    """Text without any markup."""

    def said(self, text: str, limit: int) -> str:
        """Somebody's text, made harmless."""
        return inert(text, limit)

    def strong(self, written: str) -> str:
        """Something that stands out, as everything else."""
        return written

    def code(self, command: str) -> str:
        """Something to be typed as it stands."""
        return command

    def page(self, note: str | None, sections: Sequence[Section]) -> str:
        """A whole message."""
        parts = [] if note is None else [note]
        for section in sections:
            lines = [section.heading, *(f"- {line}" for line in section.lines)]
            parts.append("\n".join(lines + ([section.advice] if section.advice else [])))
        return "\n\n".join(parts)


class Markdown:
    """What most chat programs read."""

    def said(self, text: str, limit: int) -> str:
        """Somebody's text, made harmless and with what is left of Markdown escaped."""
        return _MARKDOWN.sub(r"\\\1", inert(text, limit))

    def strong(self, written: str) -> str:
        """Something that stands out."""
        return f"**{written}**"

    def code(self, command: str) -> str:
        """Something to be typed as it stands."""
        return f"`{command}`"

    def page(self, note: str | None, sections: Sequence[Section]) -> str:
        """A whole message."""
        parts = [] if note is None else [note]
        for section in sections:
            parts.append(f"### {section.heading}")
            parts.append("\n".join(f"- {line}" for line in section.lines))
            if section.advice:
                parts.append(section.advice)
        return "\n\n".join(parts)


class Html:
    """What mail programs read."""

    def said(self, text: str, limit: int) -> str:
        """Somebody's text, made harmless and escaped."""
        return html.escape(inert(text, limit))

    def strong(self, written: str) -> str:
        """Something that stands out."""
        return f"<b>{written}</b>"

    def code(self, command: str) -> str:
        """Something to be typed as it stands."""
        # Not <code>: where Apprise makes text of it, that would stand on a line of its own.
        return f"<kbd>{html.escape(command, quote=False)}</kbd>"

    def page(self, note: str | None, sections: Sequence[Section]) -> str:
        """A whole message."""
        parts = [] if note is None else [f"<p>{note}</p>"]
        for section in sections:
            lines = "".join(f"<li>{line}</li>\n" for line in section.lines)
            parts.append(f"<h3>{section.heading}</h3>\n<ul>\n{lines}</ul>")
            if section.advice:
                parts.append(f"<p>{section.advice}</p>")
        return "\n".join(parts)
