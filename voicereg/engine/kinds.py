"""What differs between the kinds of databases."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

import sqlalchemy as sa

URLS = "give sqlite:///PATH or postgresql://USER@HOST/NAME"


class Mode(Enum):
    """What a transaction is for."""

    READ = auto()
    SNAPSHOT = auto()
    """To read, and to see one moment however long it takes."""
    WRITE = auto()
    MIGRATE = auto()
    """To change the schema."""

    @property
    def writes(self) -> bool:
        """Whether anything may be changed."""
        return self in {Mode.WRITE, Mode.MIGRATE}


class Kind(Protocol):
    """One kind of database."""

    def begin(self, connection: sa.Connection, mode: Mode) -> None:
        """Begin a transaction; a connection that is dead fails here, and not later."""

    def check(self, connection: sa.Connection, mode: Mode) -> str | None:
        """Why the transaction must not be committed; None: it may."""

    def is_lost(self, error: Exception) -> bool:
        """Whether the connection is gone, and with it what was not committed."""

    def may_pass(self, error: Exception, *, known: bool) -> bool:
        """Whether what keeps a transaction from beginning is likely to pass in some seconds.

        Args:
            error: what was said.
            known: whether this database could be used before.
        """

    def is_busy(self, error: Exception) -> bool:
        """Whether others held for too long what was needed."""

    def is_deadlock(self, error: Exception) -> bool:
        """Whether two transactions waited for each other."""

    def told(self, error: Exception) -> tuple[str, str | None]:
        """What is wrong, and what to do about it."""
