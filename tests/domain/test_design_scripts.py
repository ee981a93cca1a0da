"""The languages of prompts and preview texts, told as far as letters can tell them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from voicereg import InvalidInput

from .asking import COSY, QWEN, ask, refusal

TEXTS = [
    (COSY, "prompt", "prompt"),
    (COSY, "preview_text", "preview-text"),
    (QWEN, "prompt", "prompt"),
    (QWEN, "preview_text", "preview-text"),
]
CHINESE_OR_ENGLISH = TEXTS[:3]

EVERYWHERE = {
    "chinese": "温暖的女声，语速适中",
    "traditional": "溫暖的女聲，語速適中",
    "rare ideographs": "𠮷野 䶮 神",
    "repeated ideograph": "人々",
    "zero": "二〇二六年",
    "closing mark": "〆",
    "english": "A warm voice, mid-paced.",
    "mixed": "用 English 说 hello",
    "full-width letters": "ＡＢＣ ａｂｃ",
    "full-width figures": "１２３％",
    "accents": "Café naïve façade Ångström Łódź ệ",
    "combining accents": "e\u0301 n\u0303",
    "ordinals": "1ª 2º",
    "micro sign": "5 \u00b5s",
    "angstrom and kelvin signs": "5 \u212b at 3 \u212a",
    "litre": "5 ℓ",
    "ligature": "ﬁne",
    "bold letters": "𝐁old",
    "figures": "12:30, 50 %, ½, Ⅳ, ①",
    "punctuation": "「你好」——“hi” … «no» ¿qué?",
    "emoji": "hi 😀👩‍👩‍👧🇨🇳❤️",
    "emoji drawn as letters": "ℹ️ Ⓜ️ 🅰️ ㊗️ ™️ ©️",
    "currency": "¥5 €5 $5",
    "lines": "one\ntwo\r\nthree\tfour",
    "zero-width space": "a\u200bb",
}
QWEN_PREVIEWS = {
    "hiragana": "こんにちは",
    "katakana": "コーヒー",
    "half-width katakana": "ｺｰﾋｰ",
    "japanese": "締め切りは〆切とも書く。",
    "hangul": "안녕하세요",
    "half-width hangul": "ﾡﾢ",
    "jamo": "\u1112\u1161\u11ab ㅋㅋ",
    "cyrillic": "Здравствуйте, ёлка",
}
NOWHERE = {
    "arabic": "مرحبا",
    "arabic presentation form": "\ufe8d",
    "hebrew": "שלום",
    "greek": "Γειά",
    "thai": "สวัสดี",
    "devanagari": "नमस्ते",
    "georgian": "გამარჯობა",
    "ohm sign": "5 \u2126",
}


@pytest.mark.parametrize("text", EVERYWHERE.values(), ids=EVERYWHERE)
@pytest.mark.parametrize(("model", "field", "option"), TEXTS)
def test_chinese_english_and_what_goes_with_them_are_taken(
    model: str, field: str, option: str, text: str
) -> None:
    assert getattr(ask(model, **{field: text}), field) == text


@pytest.mark.parametrize("text", QWEN_PREVIEWS.values(), ids=QWEN_PREVIEWS)
def test_a_qwen_preview_may_be_of_ten_languages(text: str) -> None:
    assert ask(QWEN, preview_text=text).preview_text == text


@pytest.mark.parametrize("text", QWEN_PREVIEWS.values(), ids=QWEN_PREVIEWS)
@pytest.mark.parametrize(("model", "field", "option"), CHINESE_OR_ENGLISH)
def test_the_other_texts_may_not(model: str, field: str, option: str, text: str) -> None:
    problem = refusal(model, **{field: text})
    assert problem.where == option
    assert "Chinese or English" in problem.rule


@pytest.mark.parametrize("text", NOWHERE.values(), ids=NOWHERE)
@pytest.mark.parametrize(("model", "field", "option"), TEXTS)
def test_a_language_that_is_not_documented_is_refused(
    model: str, field: str, option: str, text: str
) -> None:
    problem = refusal(model, **{field: text})
    assert problem.where == option
    assert "is not of" in problem.rule


def is_taken(model: str, **changes: str) -> bool:
    try:
        ask(model, **changes)
    except InvalidInput:
        return False
    return True


def test_a_qwen_preview_is_told_the_ten_languages() -> None:
    rule = refusal(QWEN, preview_text="مرحبا").rule
    assert "de, en, es, fr, it, ja, ko, pt, ru, zh" in rule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("п", "character 1 (п U+043F)"),
        ("a voice п", "character 9 (п U+043F)"),
        ("😀п", "character 2 (п U+043F)"),
        ("𠮷п", "character 2 (п U+043F)"),
        ("aпж", "character 2 (п U+043F)"),
    ],
)
def test_the_first_letter_that_does_not_fit_is_named_with_its_place(text: str, said: str) -> None:
    assert said in refusal(prompt=text).rule


@pytest.mark.parametrize("field", ["prompt", "preview_text"])
@pytest.mark.parametrize("model", [COSY, QWEN])
@pytest.mark.parametrize("character", ["\x01", "\x07", "\x0b", "\x1b", "\x7f", "\x85", "\x9b"])
def test_a_control_character_is_refused_and_named_by_its_number(
    model: str, field: str, character: str
) -> None:
    rule = refusal(model, **{field: f"ab{character}c"}).rule
    assert f"character 3 (U+{ord(character):04X})" in rule
    assert character not in rule


@settings(deadline=None)
@given(st.characters(exclude_categories=["Lu", "Ll", "Lt", "Lo", "Cc", "Cs"]))
def test_what_is_no_letter_is_of_every_language(character: str) -> None:
    text = f"a{character}"
    assert ask(prompt=text, preview_text=text).prompt == text


@settings(deadline=None)
@given(st.characters(max_codepoint=0x24F, categories=["Lu", "Ll", "Lt", "Lo"]))
def test_every_letter_of_the_latin_blocks_is_taken(letter: str) -> None:
    assert ask(prompt=letter).prompt == letter


@settings(deadline=None)
@given(st.characters(categories=["Lu", "Ll", "Lt", "Lo"]))
def test_what_a_prompt_takes_a_qwen_preview_takes(letter: str) -> None:
    assume(is_taken(QWEN, prompt=letter))
    assert is_taken(QWEN, preview_text=letter)


@settings(deadline=None)
@given(st.characters(min_codepoint=0x250, categories=["Lu", "Ll", "Lt", "Lo"]))
def test_letters_of_named_alphabets_go_by_their_name(letter: str) -> None:
    word = unicodedata.name(letter, "?").split(" ")[0]
    assume(word in {"LATIN", "CJK", "CYRILLIC", "HANGUL", "ARABIC", "HEBREW", "TAMIL", "ETHIOPIC"})
    if word in {"LATIN", "CJK"}:
        assert ask(prompt=letter).prompt == letter
    else:
        assert refusal(prompt=letter).where == "prompt"
