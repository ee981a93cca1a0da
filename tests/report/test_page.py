"""The page as text: whole, harmless, and true to what the registry holds."""

from __future__ import annotations

import base64
import re
import wave
from datetime import UTC, timedelta, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import START
from tests.registry.rows import QWEN, insert_voice, insert_voices
from tests.registry.support import add_account
from tests.report.support import (
    Element,
    allowed_digests,
    digest,
    facts_of,
    keep_preview,
    page_of,
    parsed,
    rows_of,
    tag,
    tone,
)
from voicereg import Registry, State
from voicereg.sandbox import Sandbox
from voicereg.version import __version__

DAY = timedelta(days=1)
HOSTILE = "</script></style><img src=x onerror=alert(1)>\"' onload=alert(2) {{ 7*7 }} javascript:x"
SHANGHAI = timezone(8 * timedelta(hours=1), "CST")


@pytest.fixture(params=["sqlite"])
def backend(request: pytest.FixtureRequest) -> str:
    """What is written does not depend on the database."""
    kind: str = request.param
    return kind


def cell(row: Element, name: str) -> Element:
    """The cell of a row's column."""
    return next(one for one in row.all() if f"c-{name}" in (one.attributes.get("class") or ""))


def words(element: Element) -> str:
    return " ".join(element.text.split())


def test_an_empty_registry_has_a_page(registry: Registry) -> None:
    page = parsed(page_of(registry))

    assert "No voice is on record" in page.text
    assert "Nothing stands that is to be warned of" in page.text
    assert list(page.all("table", class_="voices")) == []


def test_it_says_when_where_and_by_what_it_was_made(registry: Registry) -> None:
    page = parsed(page_of(registry, zone=SHANGHAI))

    (made,) = page.all("p", class_="made")
    said = words(made)
    assert f"Account default Made 2026-11-23 17:00 by voicereg {__version__}" in said
    assert "the zone CST (UTC+08:00)" in said
    assert [one.attributes["datetime"] for one in made.all("time")] == ["2026-11-23T09:00:00Z"]


def test_only_its_own_script_and_style_may_run(registry: Registry, database_url: str) -> None:
    insert_voice(database_url)
    page = parsed(page_of(registry))

    inlined = [one.text for name in ("script", "style") for one in page.all(name)]
    assert len(inlined) == 3
    assert {digest(text) for text in inlined} == allowed_digests(page)
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    said = policy.attributes["content"] or ""
    assert said.startswith("default-src 'none'; ")
    assert "unsafe" not in said
    assert "media-src data:;" in said  # nothing lies beside this page
    # Neither handlers nor styles stand in the elements: the policy would refuse them.
    for element in page.all():
        assert not [name for name in element.attributes if name.startswith("on")]
        assert "style" not in element.attributes


def test_nothing_of_other_people_becomes_markup(registry: Registry, database_url: str) -> None:
    voice = insert_voice(
        database_url,
        created_at=START - 364 * DAY,
        last_used_source=HOSTILE,
        last_used_at=START - 364 * DAY,
        deadline_at=START + DAY,
        **dict.fromkeys(("name", "prompt", "preview_text", "note", "owner"), HOSTILE),
        target_model=HOSTILE,
        voice_id=HOSTILE,
        state_reason=HOSTILE,
        language=HOSTILE,
    )
    tag(database_url, voice, **{HOSTILE: HOSTILE})
    registry.aliases.set("x-1", voice)
    keep_preview(database_url, voice, b"RIFF", response_format="wav")
    page = parsed(page_of(registry))

    assert list(page.all("img")) == []
    assert len(list(page.all("script"))) == 2
    links = [one.attributes["href"] or "" for one in page.all("a")]
    assert all(link.startswith("#") for link in links)
    for name in ("src", "action", "formaction", "srcdoc", "xlink:href"):
        assert not [one for one in page.all() if name in one.attributes]
    (row,) = rows_of(page)
    assert cell(row, "owner").attributes["title"] == HOSTILE
    assert cell(row, "owner").text == HOSTILE[:79] + "…"
    assert row.attributes["data-owner"] == HOSTILE
    (tag_shown,) = cell(row, "tags").all("span")
    assert tag_shown.attributes["title"] == f"{HOSTILE}={HOSTILE}"
    assert "49" not in cell(row, "name").text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("播音员 🎙️", "播音员 🎙️"),
        ("👩‍👧 mother", "👩‍👧 mother"),
        ("مذيع", "مذيع"),
        ("evil\u202egnp.exe", "evil\\u202egnp.exe"),
        ("bell\x07\x1b[31m", "bell\\x07\\x1b[31m"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
    ],
)
def test_names_of_all_kinds_are_shown_as_they_are(
    registry: Registry, database_url: str, name: str, shown: str
) -> None:
    insert_voice(database_url, name=name)
    (row,) = rows_of(parsed(page_of(registry)))

    written = next(cell(row, "name").all("bdi"))
    assert written.text == shown


def test_a_very_long_name_is_there_whole_for_who_asks(
    registry: Registry, database_url: str
) -> None:
    insert_voice(database_url, name="n" * 3_000)
    (row,) = rows_of(parsed(page_of(registry)))

    shown, *_ = cell(row, "name").all("bdi")
    assert shown.text == "n" * 119 + "…"
    assert next(one.text for one in row.all("dd", class_="s")) == "n" * 3_000


def test_chinese_is_marked_as_such(registry: Registry, database_url: str) -> None:
    insert_voice(database_url, name="one", prompt="沉稳的播音员")
    insert_voice(database_url, name="two", prompt="落ち着いた声")
    page = parsed(page_of(registry))

    languages = [one.attributes.get("lang") for one in page.all("summary", class_="s")]
    assert languages == ["zh-Hans", None]


def test_standing_voices_are_seen_and_gone_ones_are_hidden(
    registry: Registry, database_url: str
) -> None:
    insert_voices(database_url, 120, created_at=START - DAY)
    insert_voice(database_url, name="gone", state=State.DELETED, gone_at=START - DAY)
    rows = rows_of(parsed(page_of(registry)))

    classes = [(row.attributes["class"] or "").split() for row in rows]
    assert [one for one in classes if not one] == [[]] * 100
    assert classes[-1] == ["gone", "out", "more"]
    assert "gone 2026-11-22" in words(cell(rows[-1], "deadline"))


def test_a_row_says_what_is_known(registry: Registry, database_url: str) -> None:
    insert_voice(
        database_url,
        family=QWEN,
        name="narrator",
        created_at=START - 300 * DAY,
        last_used_at=START - 345 * DAY,
        deadline_at=START + 20 * DAY,
        deadline_basis="used",
        pinned=True,
        owner="radio",
    )
    (row,) = rows_of(parsed(page_of(registry, zone=UTC)))

    assert words(cell(row, "deadline")) == "20 days 2026-12-13"
    assert words(cell(row, "used")) == "2025-12-13"
    assert words(cell(row, "created")) == "2026-01-27"
    assert "pinned" in words(cell(row, "name"))
    assert "data-pinned" in row.attributes
    assert cell(row, "deadline").attributes["data-k"] == str(int((START + 20 * DAY).timestamp()))


def test_it_is_never_cut_without_a_word(registry: Registry, database_url: str) -> None:
    insert_voices(database_url, 12)
    page = parsed(page_of(registry, facts_of(registry, most_voices=10)))

    assert len(rows_of(page)) == 10
    (note,) = page.all("p", class_="left-out")
    assert "2 voices of 12 are not in this table" in words(note)
    assert "12 voices with a deadline" in words(page)


def test_previews_are_in_the_page_soonest_deadline_first(
    registry: Registry, database_url: str
) -> None:
    late, soon = (insert_voice(database_url, created_at=START - days * DAY) for days in (10, 300))
    audio = tone(0.1)
    for voice in (late, soon):
        keep_preview(database_url, voice, audio)

    room = len(base64.b64encode(audio))
    page = parsed(page_of(registry, room_bytes=room))
    urls = [one.attributes["data-url"] or "" for one in page.all("button", class_="player")]

    assert base64.b64decode(urls[0].removeprefix("data:audio/wav;base64,")) == audio
    assert urls[1] == f"./report-previews/{late}.wav"
    assert "1 in this page; 1 in the folder report-previews beside it" in words(page)
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    assert "media-src data: 'self' file:;" in (policy.attributes["content"] or "")


def test_previews_without_a_place_are_said_to_be_left_out(
    registry: Registry, database_url: str
) -> None:
    for form in ("wav", "flac"):
        keep_preview(database_url, insert_voice(database_url), b"1234", response_format=form)
    page = parsed(page_of(registry, room_bytes=0, folder=None))

    assert list(page.all("button", class_="player")) == []
    assert "2 previews kept of these voices; 2 left out" in words(page)


def test_bare_samples_get_a_header(registry: Registry, database_url: str) -> None:
    voice = insert_voice(database_url)
    keep_preview(database_url, voice, b"\x01\x00" * 800, response_format="pcm", rate=16_000)
    page = parsed(page_of(registry))

    (button,) = page.all("button", class_="player")
    url = button.attributes["data-url"] or ""
    with wave.open(BytesIO(base64.b64decode(url.partition(",")[2]))) as file:
        assert (file.getframerate(), file.getnframes(), file.getsampwidth()) == (16_000, 800, 2)


def test_one_preview_at_a_time_is_read(
    registry: Registry, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read is written before the next one is."""
    from voicereg.report import Page, Previews

    for voice in insert_voices(database_url, 3):
        keep_preview(database_url, voice, tone(0.05))
    found = facts_of(registry).registry
    previews = Previews.place(found.voices, found.previews, room_bytes=10**6, folder=None)
    read = 0

    def reading(voice: str) -> Any:
        nonlocal read
        read += 1
        return registry.reports.preview(voice)

    monkeypatch.setattr("voicereg.report.page._BUFFERED", 5)
    page = Page(facts_of(registry), previews, read_preview=reading)
    written = 0
    for piece in page.pieces():
        written += piece.count("data:audio")
        assert read - written <= 1
    assert written == 3


def test_several_accounts_have_a_column_and_a_filter(registry: Registry, database_url: str) -> None:
    add_account(registry, "other")
    insert_voice(database_url, account="other")
    page = parsed(page_of(registry, facts_of(registry, "default", "other")))

    (row,) = rows_of(page)
    assert cell(row, "account").text == "other"
    (choice,) = page.all("select", name="account")
    assert [one.text for one in choice.all("option")] == ["all", "other"]
    assert len(list(page.all("article"))) >= 4


def test_neither_database_nor_key_nor_address_is_told(
    registry: Registry, sandbox: Sandbox, tmp_path: Path
) -> None:
    html = page_of(registry)

    assert str(tmp_path) not in html
    assert "sqlite" not in html
    assert sandbox.api_key not in html
    assert registry.settings.base_url is not None
    assert registry.settings.base_url not in html


def test_charts_tell_their_numbers_in_words(registry: Registry, database_url: str) -> None:
    insert_voices(database_url, 3, created_at=START - 350 * DAY)
    insert_voice(database_url, created_at=START - 400 * DAY, deadline_basis="estimated")
    html = page_of(registry)

    titles = re.findall(r"<title>([^<]+)</title><rect", html)
    assert "1 voice past their deadline: may go any day" in titles
    assert any("30 Nov 2026 to 7 Dec 2026: 0 voices" in one for one in titles)
    assert any("7 Dec 2026 to 14 Dec 2026: 3 voices (within 30 days)" in one for one in titles)
