"""The page of what can go wrong: exit codes, and the classes of errors."""

from __future__ import annotations

import inspect
import re

import voicereg
from docs.reference.attributes import attributes_of
from docs.reference.markdown import code, docstring, first_sentence, table
from voicereg.cli.failures import ExitCode, exit_code
from voicereg.domain import errors, provider_errors

_EXITS = """# Exit codes and errors

## Exit codes

"""
_CLASSES = """
## Errors in Python

Every error that voicereg raises on purpose is a `VoiceregError`. `str(error)` says what happened
and what is unharmed; `error.advice` says what to do next, where there is something to say. Ids and
limits are attributes; one further to the right has those of the class that it belongs to, too. The
exit code is the command line's.

"""


def page() -> str:
    """The page."""
    members = attributes_of(ExitCode)
    exits = [(str(code_.value), docstring(members[code_.name].docstring)) for code_ in ExitCode]
    assert all(said for _, said in exits), "a member of ExitCode has no docstring"
    return (
        _EXITS
        + table(("code", "meaning"), exits)
        + _CLASSES
        + table(
            ("error", "exit code", "what it means", "attributes"), _rows(errors.VoiceregError, 0)
        )
    )


def _rows(kind: type[errors.VoiceregError], depth: int) -> list[tuple[str, str, str, str]]:
    said = docstring(first_sentence(kind.__doc__ or ""))
    assert kind.__name__ in voicereg.__all__, f"{kind.__name__} is not public"
    # Whether an error is of a kind is asked of an object, which is never looked into.
    number = exit_code(kind.__new__(kind)).value
    indent = "&nbsp;&nbsp;" * depth
    attributes = ", ".join(map(code, _attributes(kind)))
    rows = [(indent + code(kind.__name__), str(number), said, attributes)]
    for below in sorted(kind.__subclasses__(), key=lambda each: each.__name__):
        if below.__module__ in (errors.__name__, provider_errors.__name__):
            rows += _rows(below, depth + 1)
    return rows


def _attributes(kind: type) -> list[str]:
    """What the class itself puts on its objects."""
    set_by = re.findall(r"self\.(\w+)(?:: [\w.\[\]| ]+)? = ", inspect.getsource(kind))
    return [name for name in dict.fromkeys(set_by) if name != "advice"]
