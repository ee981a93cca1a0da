"""The page in a browser: it sorts, filters, finds and plays, and asks for nothing from anywhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from docs.pictures import studio
from tests.databases import SqliteTemplate
from tests.fakes import START, FakeClock
from tests.registry.rows import COSYVOICE, QWEN, insert_voice
from tests.report.support import keep_preview, page_of, tag, tone
from voicereg import Registry, Settings, State
from voicereg.report.previews import file_name

DAY = timedelta(days=1)
CHROMIUM = next(
    filter(
        None,
        map(
            shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        ),
    ),
    None,
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed: nothing shows the page"
)
HOSTILE = [
    "</script><img onerror=document.title='owned' src=x>",
    "\"'><svg onload=document.title='owned'>",
    "javascript:document.title='owned'",
    "evil\u202egnp.exe\x07",
    "مذيع الأخبار",
    "👩‍👩‍👧 مرحبا 沉稳",
    "n" * 2_500,
]


HEARD = """() => new Promise(done => {
    const goesOn = () => heard.some(each => !each.paused && each.currentTime > 0.1) && done(true);
    heard.forEach(each => each.addEventListener("timeupdate", goesOn));
    goesOn();
})"""
"""Becomes true when something has played for a moment."""


CONTRASTS = """() => {
    const light = (rgb) => {
        const [r, g, b] = rgb.map(one => one / 255)
            .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const colour = (text) => text.match(/[\\d.]+/g).map(Number);
    const ground = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const found = colour(getComputedStyle(each).backgroundColor);
            if (found.length === 3) return found;
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const each of document.querySelectorAll("body *")) {
        const own = [...each.childNodes].some(one => one.nodeType === 3 && one.data.trim());
        if (!own || each.closest("svg, select, .skip") || !each.getClientRects().length) continue;
        const lights = [light(colour(getComputedStyle(each).color)), light(ground(each))];
        const contrast = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
        found.push({text: each.textContent.trim().slice(0, 30), class: each.className, contrast});
    }
    return found;
}"""
"""How well each text stands out from what is behind it."""


@dataclass
class Opened:
    """A page in a browser, and everything that it did that it should not."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def names(self) -> list[str]:
        """The names of the voices that are seen, in their order."""
        names: list[str] = self.page.evaluate(
            "[...document.querySelectorAll('.voices tbody tr')]"
            ".filter(row => row.offsetParent !== null || row.getClientRects().length)"
            ".map(row => row.querySelector('.name').textContent)"
        )
        return names

    def choose(self, name: str, value: str) -> None:
        self.page.select_option(f"select[name={name}]", value)

    def search(self, text: str, *names: str) -> None:
        """Type, and wait until these and no others are seen."""
        self.page.fill("input[name=search]", text)
        seen = self.page.locator(".voices tbody .name >> visible=true")
        expect(seen).to_have_text(list(names))


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=15_000)  # the cores are shared with other tests
    # No longer than this module: it has an event loop, and other tests have their own.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            # A root user has no sandbox; nobody touches the screen before it plays.
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a page; at the end, nothing must have gone wrong in any."""
    opened: list[Opened] = []

    def open_one(file: Path, *, width: int = 1400, **options: Any) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(15_000)
        one = Opened(context.new_page())
        one.page.on("console", lambda message: one.complaints.append(message.text))
        one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
        one.page.on("request", lambda request: one.requests.append(request.url))
        one.page.add_init_script(
            "addEventListener('securitypolicyviolation', event =>"
            " console.error('refused: ' + event.violatedDirective + ' ' + event.blockedURI))"
        )
        one.page.goto(file.as_uri())
        opened.append(one)
        return one

    yield open_one
    for one in opened:
        asked = [url for url in one.requests if not url.startswith(("data:", "file:"))]
        title = one.page.title()
        one.page.context.close()
        assert one.complaints == []
        assert asked == []
        assert title.startswith("voicereg report: default")


def opened_registry(url: str, clock: FakeClock | None = None) -> Registry:
    return Registry.open(url, settings=Settings(), clock=clock or FakeClock())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, sqlite_template: SqliteTemplate) -> Path:
    """A page of a few voices of every kind, two of them with previews that play."""
    directory = tmp_path_factory.mktemp("small")
    url = sqlite_template.copy_to(directory / "voicereg.db")

    def add(name: str, age: int, idle: int | None = None, **more: Any) -> str:
        used = None if idle is None else START - idle * DAY
        return insert_voice(
            url,
            name=name,
            created_at=START - age * DAY,
            last_used_at=used,
            deadline_at=max(START - age * DAY, used or START - age * DAY) + 365 * DAY,
            **more,
        )

    anchor = add("anchor 2", 350, 340, owner="radio", prompt="A calm newsreader.")
    grandpa = add("老爷爷", 100, family=QWEN, prompt="沉稳的老爷爷，嗓音低沉沙哑。", owner="客服")
    add("anchor 10", 300, 5, pinned=True, owner="radio", state=State.REJECTED)
    add("Zoe", 20, 20, owner="Studio", target_model="cosyvoice-v3-plus")
    add("gone", 400, state=State.LOST, gone_at=START - DAY)
    tag(url, anchor, use="news", production="")
    tag(url, grandpa, use="tales")
    for voice in (anchor, grandpa):
        keep_preview(url, voice, tone(3))
    with opened_registry(url) as registry:
        file = directory / "report.html"
        file.write_text(page_of(registry), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 2,000 voices."""
    directory = tmp_path_factory.mktemp("large")
    studio.fill(f"sqlite:///{directory / 'voicereg.db'}")
    with opened_registry(str(directory / "voicereg.db"), FakeClock(studio.NOW)) as registry:
        file = directory / "report.html"
        file.write_text(page_of(registry), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def shared(browser: Browser, small: Path) -> Iterator[Opened]:
    """The small page, for tests that leave it as it was."""
    context = browser.new_context()
    context.set_default_timeout(15_000)
    one = Opened(context.new_page())
    one.page.on("console", lambda message: one.complaints.append(message.text))
    one.page.goto(small.as_uri())
    yield one
    context.close()
    assert one.complaints == []


def test_every_column_is_sorted_both_ways(open_page: Open, small: Path) -> None:
    one = open_page(small)
    orders = {
        "name": ["anchor 2", "anchor 10", "Zoe", "老爷爷"],
        "model": ["Zoe", "anchor 2", "anchor 10", "老爷爷"],
        "state": ["anchor 2", "老爷爷", "Zoe", "anchor 10"],
        "deadline": ["anchor 2", "老爷爷", "Zoe", "anchor 10"],
        "created": ["anchor 2", "anchor 10", "老爷爷", "Zoe"],
    }
    for column, order in orders.items():
        heading = one.page.locator(f".voices th[data-key={column}]")
        if column != "deadline":
            heading.locator("button").click()
            expect(heading).to_have_attribute("aria-sort", "ascending")
        else:
            one.page.select_option("select[name=sort]", "deadline ascending", force=True)
        assert one.names() == order, column
        heading.locator("button").focus()
        one.page.keyboard.press("Enter")
        expect(heading).to_have_attribute("aria-sort", "descending")
        assert one.page.locator("[aria-sort]").count() == 1
        assert one.names()[0] == order[-1], column

    # What is not known comes last, both ways.
    for _ in range(2):
        one.page.click(".voices th[data-key=used] button")
        assert one.names()[-1] == "老爷爷"
    for _ in range(2):
        one.page.click(".voices th[data-key=tags] button")
        assert set(one.names()[-2:]) == {"Zoe", "anchor 10"}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"family": QWEN}, {"老爷爷"}),
        ({"family": COSYVOICE, "owner": "radio"}, {"anchor 2", "anchor 10"}),
        ({"state": "=rejected"}, {"anchor 10"}),
        ({"state": "gone"}, {"gone"}),
        ({"state": ""}, {"anchor 2", "anchor 10", "Zoe", "老爷爷", "gone"}),
        ({"model": "cosyvoice-v3-plus"}, {"Zoe"}),
        ({"owner": "客服"}, {"老爷爷"}),
        ({"tag": "use"}, {"anchor 2", "老爷爷"}),
        ({"tag": "use=news"}, {"anchor 2"}),
        ({"tag": "production"}, {"anchor 2"}),
        ({"pinned": "yes"}, {"anchor 10"}),
        ({"pinned": "no", "family": COSYVOICE}, {"anchor 2", "Zoe"}),
    ],
)
def test_each_filter_narrows_the_table(
    shared: Opened, filters: dict[str, str], names: set[str]
) -> None:
    for name, value in filters.items():
        shared.choose(name, value)
    assert set(shared.names()) == names
    shared.page.click("button[type=reset]")
    expect(shared.page.locator(".status")).to_have_text("4 of 5 voices")


def test_what_is_typed_is_found(shared: Opened) -> None:
    shared.search("老爷", "老爷爷")
    shared.search("NEWSREADER calm", "anchor 2")
    shared.search("沙哑", "老爷爷")
    shared.search("use=news", "anchor 2")
    shared.search("preview text")  # which only stands over a text
    expect(shared.page.locator(".none")).to_be_visible()
    shared.page.click(".clear-all")
    expect(shared.page.locator(".status")).to_have_text("4 of 5 voices")
    expect(shared.page.locator("input[name=search]")).to_be_focused()
    shared.page.fill("input[name=unused]", "100")
    expect(shared.page.locator(".status")).to_have_text("2 of 5 voices")
    assert set(shared.names()) == {"anchor 2", "老爷爷"}
    shared.page.click("button[type=reset]")
    expect(shared.page.locator(".status")).to_have_text("4 of 5 voices")


def test_previews_play_one_at_a_time(open_page: Open, small: Path) -> None:
    one = open_page(small)
    one.page.evaluate(
        "() => { window.heard = []; const play = HTMLMediaElement.prototype.play;"
        "HTMLMediaElement.prototype.play = function () {"
        " if (!window.heard.includes(this)) window.heard.push(this); return play.call(this); } }"
    )
    first, second = (one.page.locator(".player").nth(number) for number in (0, 1))
    first.focus()
    one.page.keyboard.press("Space")
    expect(first).to_have_attribute("data-state", "playing")
    expect(first).to_have_attribute("aria-label", "Pause the preview of anchor 2")
    assert one.page.evaluate(HEARD)

    second.click()
    expect(second).to_have_attribute("data-state", "playing")
    expect(first).to_have_attribute("data-state", "")
    expect(first).to_have_attribute("aria-label", "Play the preview of anchor 2")
    assert one.page.evaluate(HEARD)
    assert one.page.evaluate("heard.filter(each => !each.paused).length") == 1

    second.click()
    expect(second).to_have_attribute("data-state", "paused")
    assert one.page.evaluate("heard.every(each => each.paused)")
    second.click()
    one.page.evaluate("heard[0].currentTime = heard[0].duration - 0.1")
    expect(second).to_have_attribute("data-state", "")  # it has come to its end
    assert {url.split(":")[0] for url in one.requests} <= {"file", "data"}


def test_a_preview_beside_the_page_plays(
    open_page: Open, tmp_path: Path, sqlite_template: SqliteTemplate
) -> None:
    url = sqlite_template.copy_to(tmp_path / "voicereg.db")
    voice = insert_voice(url, name="beside")
    keep_preview(url, voice, tone(2))
    folder = tmp_path / "a b: c#-previews"
    folder.mkdir()
    with opened_registry(url) as registry:
        (tmp_path / "report.html").write_text(
            page_of(registry, room_bytes=0, folder=folder.name), encoding="utf-8"
        )
        (folder / file_name(voice, "wav")).write_bytes(tone(2))
    one = open_page(tmp_path / "report.html")

    one.page.click(".player")
    expect(one.page.locator(".player")).to_have_attribute("data-state", "playing")
    assert len(one.requests) == 2


def test_hostile_names_are_only_names(
    open_page: Open, tmp_path: Path, sqlite_template: SqliteTemplate
) -> None:
    url = sqlite_template.copy_to(tmp_path / "voicereg.db")
    for number, text in enumerate(HOSTILE):
        voice = insert_voice(
            url,
            created_at=START - (364 - number) * DAY,
            **dict.fromkeys(("name", "prompt", "preview_text", "note", "owner"), text),
            target_model=text,
        )
        tag(url, voice, **{text: text})
        keep_preview(url, voice, b"no audio")
    with opened_registry(url) as registry:
        (tmp_path / "report.html").write_text(page_of(registry), encoding="utf-8")
    for width in (360, 1400):
        one = open_page(tmp_path / "report.html", width=width)
        assert len(one.names()) == len(HOSTILE)
        assert one.page.locator("img, svg svg, iframe, object").count() == 0
        one.choose("owner", HOSTILE[0])
        assert one.names() == [HOSTILE[0]]
        one.choose("tag", f"{HOSTILE[0]}={HOSTILE[0]}")
        assert one.names() == [HOSTILE[0]]
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width
    one.page.click(".player >> visible=true")
    expect(one.page.locator(".player >> visible=true")).to_have_attribute("data-state", "failed")


def test_two_thousand_voices_are_drawn_as_they_are_asked_for(open_page: Open, large: Path) -> None:
    one = open_page(large)
    status = one.page.locator(".status")
    expect(status).to_have_text("1,792 of 2,000 voices; the first 100 are shown")
    assert len(one.names()) == 100
    one.page.click(".more-rows")
    expect(status).to_have_text("1,792 of 2,000 voices; the first 200 are shown")

    one.page.fill("input[name=search]", "说书人 沙哑")
    expect(status).to_have_text(one_of_these(one, "说书人", "沙哑"))
    one.page.fill("input[name=search]", "")
    one.choose("state", "")
    one.page.click(".voices th[data-key=created] button")
    read_dates = "cells => cells.map(cell => Number(cell.dataset.k))"
    drawn = one.page.eval_on_selector_all(".voices td.c-created >> visible=true", read_dates)
    one.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    dates = one.page.eval_on_selector_all(".voices td.c-created", read_dates)
    assert dates == sorted(dates)
    assert len(dates) == 2_000
    assert drawn == dates[:100]


def one_of_these(one: Opened, *words: str) -> str:
    """What is said of a search for words, by counting what the page holds."""
    texts: list[str] = one.page.eval_on_selector_all(
        ".voices tbody tr:not(.gone)",
        "rows => rows.map(row => row.querySelector('.c-name').textContent)",
    )
    found = sum(all(word in text for word in words) for text in texts)
    assert 0 < found < 100
    return f"{found} of 2,000 voices"


def test_a_link_leads_to_its_row_whatever_is_hidden(open_page: Open, small: Path) -> None:
    one = open_page(small)
    one.choose("family", COSYVOICE)
    one.page.click(".unused a.find:has-text('老爷爷')")
    expect(one.page.locator("tr:target summary")).to_be_focused()
    assert "老爷爷" in one.names()


def test_it_is_never_wider_than_the_screen(open_page: Open, small: Path) -> None:
    one = open_page(small)
    one.page.click("summary >> nth=0")
    for width in (360, 800, 1400):
        one.page.set_viewport_size({"width": width, "height": 900})
        assert one.page.evaluate("document.documentElement.scrollWidth") <= width
        # The chart that fits is the one that is seen.
        assert one.page.locator("section[aria-labelledby=h-uses] svg:visible").count() == 1


def test_on_a_phone_the_order_is_chosen(open_page: Open, small: Path) -> None:
    one = open_page(small, width=390)
    assert one.page.locator(".voices thead").is_hidden()
    one.choose("sort", "name descending")
    assert one.names() == ["老爷爷", "Zoe", "anchor 10", "anchor 2"]
    one.page.click("button[type=reset]")
    expect(one.page.locator(".voices tbody .name >> visible=true").first).to_have_text("anchor 2")
    expect(one.page.locator("select[name=sort]")).to_have_value("deadline ascending")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_written_can_be_read(
    open_page: Open, small: Path, scheme: Literal["light", "dark"]
) -> None:
    one = open_page(small, color_scheme=scheme)

    found: list[dict[str, Any]] = one.page.evaluate(CONTRASTS)
    assert len(found) > 100
    # As WCAG 2.2 wants it of text.
    assert [each for each in found if each["contrast"] < 4.5] == []
    ground = one.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 200) == (scheme == "dark")


def test_paper_has_all_rows_that_the_filters_leave(
    open_page: Open, small: Path, tmp_path: Path
) -> None:
    # As with thousands of voices, of which few are drawn at first.
    few_at_first = small.read_text(encoding="utf-8").replace('data-step="100"', 'data-step="1"')
    (tmp_path / "report.html").write_text(few_at_first, encoding="utf-8")
    one = open_page(tmp_path / "report.html")
    one.choose("family", COSYVOICE)
    assert one.names() == ["anchor 2"]

    one.page.emulate_media(media="print")
    assert one.names() == ["anchor 2", "Zoe", "anchor 10"]
    for hidden in (".controls", ".player", ".more-rows"):
        assert one.page.locator(hidden).first.is_hidden()
    head = one.page.locator(".voices thead")
    assert head.evaluate("head => getComputedStyle(head).display") == "table-header-group"
    # A browser leaves buttons in a repeated head empty: on paper it holds text.
    assert head.locator("button >> visible=true").count() == 0
    assert head.locator(".plain >> visible=true").count() == 8


def test_without_javascript_everything_can_be_read(open_page: Open, small: Path) -> None:
    one = open_page(small, java_script_enabled=False)

    for name in ("anchor 2", "老爷爷", "gone"):
        expect(one.page.locator(".voices .name", has_text=name).first).to_be_visible()
    assert one.page.locator(".controls").is_hidden()
    assert one.page.locator(".player").first.is_hidden()
    expect(one.page.locator(".voices th .plain").first).to_be_visible()
    expect(one.page.locator("text=They play with JavaScript only")).to_be_visible()
