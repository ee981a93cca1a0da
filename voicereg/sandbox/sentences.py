"""Text as a speech model takes it: sentence by sentence, billed by the character."""

from __future__ import annotations

import re

# A full stop within a number or a name ends nothing, a Chinese one always does.
_END = re.compile(r"[。！？；…\n]+|[.!?;]+(?=\s|\Z)")
_HAN = re.compile("[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def complete_sentences(text: str) -> tuple[list[str], str]:
    """Return the sentences of a text that have an end, and what is left after them.

    Joined, they are the text. None of them is blank, unless there is nothing else.
    """
    sentences: list[str] = []
    begin = 0
    for end in _END.finditer(text):
        if text[begin : end.end()].strip():
            sentences.append(text[begin : end.end()])
            begin = end.end()
    return sentences, text[begin:]


def billed_characters(text: str) -> int:
    """Return how many characters are billed: two for each Chinese one, one for any other."""
    return len(text) + len(_HAN.findall(text))
