"""The channels that messages go through, by the scheme of their URL.

A new kind of channel is a module with a class like those here, and an entry in ``_KINDS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from voicereg.domain.errors import DeliveryFailed
from voicereg.domain.messages import Language, Message
from voicereg.notify import apprise_channel, json_file, log

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_ENV = "env:"


class Channel(Protocol):
    """Somewhere that messages go."""

    def send(self, message: Message, language: Language) -> None:
        """Deliver a message.

        Raises:
            DeliveryFailed: it was not taken, or not certainly.
        """


@dataclass(frozen=True, slots=True)
class _Kind:
    """What there is to know of the channels of a scheme."""

    opened: Callable[[str, str], Channel]
    """Makes one from its name and its URL."""
    check: Callable[[str], str | None]
    """Says what is wrong with a URL."""
    shows_url: bool
    """Whether there is nothing secret in a URL."""


_KINDS = {
    "log": _Kind(log.LogChannel, log.check, shows_url=True),
    "file": _Kind(json_file.JsonFileChannel, json_file.check, shows_url=True),
}
_ANY_OTHER = _Kind(apprise_channel.AppriseChannel, apprise_channel.check, shows_url=False)


def open_channel(name: str, url: str, *, environment: Mapping[str, str]) -> Channel:
    """The channel that a URL stands for. Nothing is sent, and nothing is connected to.

    Args:
        name: what the channel is called in errors.
        url: ``log://``, ``file:///PATH``, any URL of Apprise's, or ``env:NAME``: the URL is
            in an environment variable.
        environment: where to look for the variable.

    Raises:
        DeliveryFailed: the variable is not set, or there is no URL in it.
    """
    if url.startswith(_ENV):
        named = _VARIABLE.fullmatch(url)
        if named is None:
            raise DeliveryFailed(name, *_BAD_VARIABLE)
        variable = named[1]
        url = environment.get(variable, "").strip()
        if not url:
            raise DeliveryFailed(
                name,
                f"the environment variable {variable} is not set",
                f"set {variable} to the channel's URL",
            )
        if _SCHEME.match(url) is None:
            raise DeliveryFailed(
                name,
                f"there is no URL in the environment variable {variable}",
                f"set {variable} to the channel's URL; it begins like log:// or mailto://",
            )
    elif _SCHEME.match(url) is None:
        raise DeliveryFailed(name, _NO_SCHEME)
    return _kind(url).opened(name, url)


def check_url(url: str) -> str | None:
    """What is wrong with a channel's URL, without its secrets; None: nothing that can be seen.

    Nothing is sent. What is in the variable of ``env:NAME`` is not looked at.
    """
    if url.startswith(_ENV):
        return None if _VARIABLE.fullmatch(url) else _BAD_VARIABLE[0]
    if _SCHEME.match(url) is None:
        return _NO_SCHEME
    return _kind(url).check(url)


def shown_url(url: str) -> str:
    """As much of a channel's URL as anybody may see.

    What comes behind the scheme is left out, unless it is a file: with many services the host
    is the token.
    """
    if url.startswith(_ENV):
        return url if _VARIABLE.fullmatch(url) else f"{_ENV}…"
    scheme = _SCHEME.match(url)
    if scheme is None:
        return "…"
    return url if _kind(url).shows_url else f"{scheme[1]}://…"


_BAD_VARIABLE = (
    "env: is to be followed by the name of an environment variable",
    "write it like env:VOICEREG_MAIL",
)
_NO_SCHEME = "it is no URL: it begins like log://, file:/// or mailto://, or is env:NAME"


def _kind(url: str) -> _Kind:
    scheme = _SCHEME.match(url)
    return _ANY_OTHER if scheme is None else _KINDS.get(scheme[1].lower(), _ANY_OTHER)
