"""Write the pages of the reference anew: ``python -m docs.reference.generate``.

What a page says comes from the program itself: its commands, settings, constants and docstrings.
Nothing depends on the terminal, the home directory or the version of Python.
"""

from __future__ import annotations

from pathlib import Path

from docs.reference import commands, documents, errors, settings, tables

HERE = Path(__file__).parent
COMMAND = "python -m docs.reference.generate"
NOTE = f"<!-- Written by `{COMMAND}` (make reference); changes made here are lost. -->\n\n"


def pages() -> dict[str, str]:
    """Every page by the name of its file, as it is to be."""
    made = {
        "commands.md": commands.page(),
        "settings.md": settings.page(),
        "documents.md": documents.page(),
        "errors.md": errors.page(),
        "tables.md": tables.page(),
    }
    return {name: NOTE + text for name, text in made.items()}


def write() -> None:
    """Write them where they are kept."""
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
