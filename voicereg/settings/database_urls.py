"""How a database is named: by a URL, or by the path of a SQLite file."""

from __future__ import annotations

import re
from pathlib import Path

from voicereg.domain.errors import InvalidInput, Problem


def as_database_url(text: str) -> str:
    """``text`` as a URL: a path stands for a SQLite file.

    Raises:
        InvalidInput: a URL of a database that is neither SQLite nor PostgreSQL.
    """
    scheme, colon, _ = text.partition("://")
    if not colon:
        return f"sqlite:///{_quoted(_absolute(text))}"
    if scheme == "postgres":
        return "postgresql" + text.removeprefix("postgres")
    if scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
        # What is no scheme may be the middle of anything, of a password too.
        shown = scheme if re.fullmatch(r"[\w+.-]*", scheme) else "…"
        raise InvalidInput(
            Problem("database", shown + "://…", "it must be sqlite:///PATH or postgresql://…")
        )
    return text


def _absolute(path: str) -> Path:
    try:
        return Path(path).expanduser().absolute()
    except RuntimeError:
        raise InvalidInput(
            Problem("database", path, "the home directory that it begins with cannot be found")
        ) from None


def _quoted(path: Path) -> str:
    """``path`` with what a database URL would read as an escape, or as the end of the path."""
    return str(path).replace("%", "%25").replace("?", "%3F")
