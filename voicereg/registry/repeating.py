"""What is done again when the connection to the database breaks in the middle of it.

Where a transaction begins, the database itself waits for a server that is being restarted. What
is lost in the middle of one has to be done again from its beginning, which only its use case can.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from voicereg.domain.errors import DatabaseLost

TRIES = 5
"""How often anything is begun; a server that is restarted more often in a row has other troubles.
Between two tries the database is waited for, so there is no pause."""
Given = ParamSpec("Given")
Done = TypeVar("Done")
_logger = logging.getLogger(__name__)


def repeating(work: Callable[[bool], Done]) -> Done:
    """Do something that can tell whether it was done already.

    Args:
        work: one transaction; is told whether an earlier try may have been written after all.

    Raises:
        DatabaseLost: the connection broke each time.
    """
    may_be_done = False
    for _ in range(TRIES - 1):
        try:
            return work(may_be_done)
        except DatabaseLost as lost:
            may_be_done |= not lost.is_known
            _logger.info("%s; once more", lost)
    return work(may_be_done)


def idempotent(work: Callable[Given, Done]) -> Callable[Given, Done]:
    """Do it again after a lost connection: doing it twice comes to the same as doing it once."""

    @wraps(work)
    def repeated_work(*args: Given.args, **kwargs: Given.kwargs) -> Done:
        return repeating(lambda may_be_done: work(*args, **kwargs))

    return repeated_work


def repeated(work: Callable[Given, Done]) -> Callable[Given, Done]:
    """Do it again after a lost connection, if nothing was written: twice would not be once.

    At most one transaction of the work may write, and that must be its last.
    """

    @wraps(work)
    def repeated_work(*args: Given.args, **kwargs: Given.kwargs) -> Done:
        for _ in range(TRIES - 1):
            try:
                return work(*args, **kwargs)
            except DatabaseLost as lost:
                if not lost.is_known:
                    raise
                _logger.info("%s; once more", lost)
        return work(*args, **kwargs)

    return repeated_work
