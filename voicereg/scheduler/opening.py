"""Opening a registry whose database may not be there yet: a host starts in any order."""

from __future__ import annotations

import errno
import logging
import re
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from voicereg.domain.clock import Sleep, system_sleep
from voicereg.domain.errors import DatabaseProblem, DatabaseUnusable, SchemaMismatch
from voicereg.registry import Registry

EVERY = timedelta(seconds=5)
"""How often it is tried."""
_WRONG_PATHS = frozenset(
    {errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOTDIR}
)
"""A path that can never be a file, whatever is mounted. A directory that may not be written, or
made, may be the place where a disk is to be mounted."""
_REFUSED = re.compile(
    r"FATAL: +(\S+ authentication failed|(role|database) \".*\" (does not exist|is not permitted)"
    r"|no pg_hba\.conf entry|permission denied|unrecognized configuration parameter)"
    r"|no password supplied|invalid \S+ value"
)
"""What a server says, in English, that is there and will have none of this. There is no code to
go by while one connects; what is said in another language is waited for, and shown."""
_logger = logging.getLogger(__name__)
Done = TypeVar("Done")


def open_patiently(
    open_registry: Callable[[], Registry], *, all_accounts: bool, sleep: Sleep = system_sleep
) -> Registry:
    """Open a registry; while its database is away, try again, and say so once.

    Each try is as if the program had just been started: a SQLite file that is not there is made
    where it can be.

    Args:
        open_registry: opens it, or raises what is in the way.
        all_accounts: whether all accounts are looked after; else the selected one must be there.
        sleep: waits.

    Raises:
        SchemaMismatch: it was made by another version, or is not set up.
        DatabaseUnusable: no waiting helps, such as a URL that is none.
        AccountNotFound: there is no such account.
    """
    registry = _patiently(open_registry, sleep)
    if not all_accounts:
        try:
            _patiently(lambda: registry.accounts.one(), sleep)
        except BaseException:
            registry.close()
            raise
    return registry


def _patiently(do: Callable[[], Done], sleep: Sleep) -> Done:
    """Do something; while the database is away, try again, and say so once."""
    said: str | None = None
    while True:
        try:
            done = do()
        except DatabaseProblem as problem:
            if not may_pass(problem):
                raise
            text = str(problem)
            if text != said:
                said = text
                _logger.warning(
                    "%s; it is tried again every %d s%s",
                    text,
                    EVERY.total_seconds(),
                    f" ({problem.advice})" if problem.advice else "",
                )
        else:
            if said is not None:
                _logger.info("the database can be used now")
            return done
        sleep(EVERY)


def may_pass(problem: DatabaseProblem) -> bool:
    """Whether a database that cannot be opened may be there later, with nothing set otherwise."""
    if isinstance(problem, SchemaMismatch):
        return False
    if not isinstance(problem, DatabaseUnusable):
        return True  # it is there, and somebody holds it, or is about to mend it
    cause = problem.__cause__
    if isinstance(cause, FileExistsError):
        # In the place of its directory: a link to a disk that is not mounted, or another file.
        return Path(str(cause.filename)).is_symlink()
    if isinstance(cause, OSError):
        return cause.errno not in _WRONG_PATHS
    if isinstance(cause, sa.exc.TimeoutError):
        return True
    if not isinstance(cause, sa.exc.OperationalError | sa.exc.InterfaceError):
        return False
    if isinstance(cause.orig, sqlite3.Error):
        # That is any mistake in a statement, such as a table that is not there.
        return getattr(cause.orig, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_ERROR
    return _REFUSED.search(str(cause.orig)) is None
