"""What stands in pages of Markdown: blocks of code, and the commands that they show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SHELLS = ("sh", "bash", "console")
_FENCE = re.compile(r"^( *)(`{3,})([^\n`]*)\n(.*?)^\1\2$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code, and where it stands."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file_name(self) -> str | None:
        """The file that the reader is to save it as: it is named in the first line."""
        named = re.match(r"# ([\w.-]+\.\w+)\n", self.text)
        return named[1] if named else None

    def commands(self) -> list[str]:
        """The commands of a shell's block, each on one line and without what is remarked."""
        joined = self.text.replace("\\\n", " ")
        lines = [re.sub(r"(^|\s)#( .*)?$", "", line) for line in joined.splitlines()]
        return [" ".join(line.split()) for line in lines if line.strip()]


def pages() -> list[Path]:
    """The pages that users read; those of ``contrib`` have tests of their own."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, found[3].strip(), dedent(found[4]))


def without_blocks(page: Path) -> str:
    """The text of a page alone."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))
