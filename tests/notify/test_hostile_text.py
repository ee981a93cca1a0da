"""Names that try to be something else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.notify.support import MARKS, NOW, item, message, near, voice
from voicereg.domain.concerns import of_failed_keep_alive, of_retiring
from voicereg.domain.messages import Language
from voicereg.notify import Rendered, render
from voicereg.notify.inert import inert, one_line

HOSTILE = (
    "@everyone",
    "<!channel>",
    "<@U012AB3CD>",
    "[click](http://evil.example)",
    "![pixel](https://evil.example/x.png)",
    "<b>bold</b>",
    "<script>alert(1)</script>",
    "<http://evil.example|click>",
    "www.evil.example",
    "`code` ``code``",
    "x\n# heading",
    "x\r\n\r\n- item",
    "x\u2028> quote",
    "**bold** __bold__ ~~gone~~ ||spoiler||",
    "a\\",
    "&lt;b&gt; &amp; &#64;everyone",
    "\x1b[31mred\x07\x00\x9b",
    "abc\u202edcba\u2066x\u200b\ufeff",
    "\ud800",
    "$x^2$",
)


def rendered(text: str, language: Language) -> Rendered:
    """A message with the text wherever somebody's text may stand."""
    hostile = near(3, name=text, owner=text, tags={text: text}, aliases=(text,), target_model=text)
    failed = of_failed_keep_alive(voice(2, 2, name=text, account=text), NOW, text)
    retiring = of_retiring("studio", text, NOW.date(), [voice(9, 3, name=text)], NOW, MARKS)
    return render(message(hostile, item(failed), item(retiring)), language)


@pytest.mark.parametrize("language", Language)
class TestHostileText:
    def test_it_is_on_one_line_and_nothing_in_it_is_unseen(self, language: Language) -> None:
        harmless = rendered("harmless", language)
        for text in HOSTILE:
            told = rendered(text, language)
            for form, usual in zip(forms(told), forms(harmless), strict=True):
                assert all(line.isprintable() for line in form.split("\n"))
                assert form.count("\n") == usual.count("\n")
                form.encode()  # no half characters

    def test_it_mentions_and_links_nothing(self, language: Language) -> None:
        for text in HOSTILE:
            told = rendered(text, language)
            for form in forms(told):
                for mark in ("@", "://", "www.", "]("):
                    assert mark not in form
            for form in (told.title, told.text, told.markdown):
                assert "<" not in form

    def test_the_markdown_has_no_more_in_it_than_is_meant(self, language: Language) -> None:
        usual = marks(rendered("harmless", language).markdown)
        for text in HOSTILE:
            assert marks(rendered(text, language).markdown) == usual

    def test_the_html_has_no_other_tags(self, language: Language) -> None:
        usual = tags(rendered("harmless", language).html)
        for text in HOSTILE:
            assert tags(rendered(text, language).html) == usual


def marks(markdown: str) -> list[str]:
    """The characters of a text that mean something in Markdown, those escaped left out."""
    kept = re.sub(r"\\[!-/:-@\[-`{-~]", "", markdown)
    assert "\\" not in kept
    return re.findall(r"\*\*|`|^#+ |^- |[*~|&!$]", kept, re.MULTILINE)


def tags(html: str) -> list[str]:
    """The tags of a text, in order."""
    parser = _Tags()
    parser.feed(html)
    parser.close()
    return parser.tags


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def forms(told: Rendered) -> tuple[str, ...]:
    return told.title, told.text, told.markdown, told.html


def test_a_usual_name_is_told_as_it_is() -> None:
    for name in ("narrator_1", "旁白（女）", "v1.5 take-2", "Zoë's voice", "🎙 studio"):
        assert inert(name, 60) == name


def test_a_long_text_is_cut() -> None:
    assert one_line("x" * 100, 10) == "x" * 9 + "…"
    assert one_line("  a \t\n b\u3000c ", 10) == "a b c"
