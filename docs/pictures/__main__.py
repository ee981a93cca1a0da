"""Takes the pictures of the report, in three widths each; needs Chromium, and fonts for Chinese.

``python -m docs.pictures [DIRECTORY]``, or ``make pictures``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from docs.pictures import studio
from voicereg import Registry, Settings
from voicereg.domain.clock import system_sleep
from voicereg.housekeeping.foresight import foresee
from voicereg.report import Page, Previews, read_facts

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LARGEST_BYTES = 250_000
_ROOM_BYTES = 20_000_000


@dataclass(frozen=True)
class _Picture:
    """How one is taken."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"
    scale: float = 1
    to: str | None = None
    """What is scrolled to; None: the beginning."""


_OF_THE_DEMO = (
    _Picture("report-demo-390", 390, 844, scale=2),
    _Picture("report-demo-800", 800, 1_100, "dark"),
    _Picture("report-demo-1400", 1_400, 1_300),
)
_OF_THE_STUDIO = (
    _Picture("report-studio-390", 390, 844, scale=2, to="#voices"),
    _Picture("report-studio-800", 800, 1_100, "dark"),
    _Picture("report-studio-1400", 1_400, 1_220),
)


class _Stopped:
    """A clock that shows the same time always, so that the pictures stay the same."""

    def now(self) -> datetime:
        """The studio's present."""
        return studio.NOW

    def monotonic(self) -> timedelta:
        """No time passes."""
        return timedelta(0)


def main(directory: Path) -> None:
    """Take all pictures, into a directory."""
    with tempfile.TemporaryDirectory(prefix="voicereg-pictures-") as made, _browser() as browser:
        demo, of_studio = Path(made) / "demo.html", Path(made) / "studio.html"
        print("the demo …")
        command = [sys.executable, "-m", "voicereg", "demo", "--report", str(demo)]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | {"TZ": "UTC"})
        print("the studio …")
        _make_page_of_the_studio(Path(made) / "studio.db", of_studio)
        for page, pictures in ((demo, _OF_THE_DEMO), (of_studio, _OF_THE_STUDIO)):
            for picture in pictures:
                _take(browser, page, picture, directory / f"{picture.name}.png")


def _make_page_of_the_studio(database: Path, file: Path) -> None:
    studio.fill(f"sqlite:///{database}")
    with Registry.open(
        str(database), settings=Settings(), clock=_Stopped(), sleep=system_sleep
    ) as registry:
        foreseen = foresee(registry, ["default"])
        facts = read_facts(registry, concerns=foreseen.concerns, messages=foreseen.messages)
        found = facts.registry
        previews = Previews.place(found.voices, found.previews, room_bytes=_ROOM_BYTES, folder=None)
        page = Page(facts, previews, read_preview=registry.reports.preview, zone=UTC)
        file.write_text("".join(page.pieces()), encoding="utf-8")


@contextmanager
def _browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def _take(browser: Browser, page: Path, picture: _Picture, to: Path) -> None:
    context = browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        color_scheme=picture.scheme,
        device_scale_factor=picture.scale,
    )
    shown = context.new_page()
    shown.goto(page.as_uri())
    if picture.to is not None:
        shown.locator(picture.to).evaluate("it => it.scrollIntoView()")
    shown.screenshot(path=to)
    context.close()
    size = to.stat().st_size
    print(f"{to} ({size:,} bytes)")
    if size > LARGEST_BYTES:
        sys.exit(f"{to} is larger than {LARGEST_BYTES:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
