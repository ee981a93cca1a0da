"""All pages: their commands can be typed, their links lead somewhere, their Python is Python."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from click.exceptions import Exit, MissingParameter, NoArgsIsHelpError

from tests.contrib.commands import parse
from tests.docs.markdown import ROOT, SHELLS, blocks, pages, without_blocks
from voicereg.settings import load

PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES)
def test_every_command_can_be_typed(page: Path) -> None:
    for block in blocks(page):
        if block.language in SHELLS:
            for line in block.commands():
                if (ours := _ours(line)) is not None:
                    with suppress(*((MissingParameter,) if "…" in line else ())):
                        parse(ours)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_is_spoken_of_is_there(page: Path) -> None:
    text = without_blocks(page)
    quoted = [" ".join(found.split()) for found in re.findall(r"`(voicereg [^`]+)`", text)]
    for line in quoted:
        # Its arguments are left out where only its name is meant, and --help ends it.
        allowed = (MissingParameter, NoArgsIsHelpError, Exit)
        with suppress(*allowed):
            parse(re.sub(r" \[?[A-Z[][^ ]*…?.*", "", line) if "…" in line else line)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = without_blocks(page)
    for target in _LINK.findall(text):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert found.is_relative_to(ROOT), target
        assert not anchor or anchor in _anchors(found), target


@pytest.mark.parametrize("page", PAGES)
def test_python_is_python_and_settings_are_settings(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            compile(block.text, block.place, "exec", flags=_ASYNC)
        elif block.language == "toml":
            file = tmp_path / "config.toml"
            file.write_text(block.text, encoding="utf-8")
            load(config=file, environment={})


_ASYNC = 0x2000  # ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def _ours(line: str) -> str | None:
    """The part of a line that is voicereg's."""
    started = re.search(r"(?:^|[\s/(])(voicereg .+)$", line)
    return re.split(r" (?:\||>|&&)|\)", started[1])[0] if started else None


def _anchors(page: Path) -> set[str]:
    """What GitHub and the site call the headings of a page."""
    titles = re.findall(r"(?m)^#+ (.+)$", without_blocks(page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
