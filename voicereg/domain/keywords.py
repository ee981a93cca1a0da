"""Keyword arguments that are passed on as a whole: still checked like any function's."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def check_keywords(
    given: Mapping[str, object], known: Collection[str], required: Collection[str] = ()
) -> None:
    """Refuse what Python itself would refuse of a function that names its arguments.

    Args:
        given: the keyword arguments.
        known: those that there are.
        required: those that must be there.

    Raises:
        TypeError: an argument that there is not (a misspelt one must not be passed over), or one
            that is missing.
    """
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise TypeError(f"unexpected keyword argument {unknown[0]!r}; there are {sorted(known)}")
    missing = sorted(set(required) - given.keys())
    if missing:
        raise TypeError(f"missing keyword argument {missing[0]!r}")
