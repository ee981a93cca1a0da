"""Keeping the secrets of a channel's URL out of what is said about it."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, quote_plus, unquote, unquote_plus

_MASK = "***"
_SHORTEST = 4
_DELIMITERS = re.compile(r"[:/?#\[\]@!$&'()*+,;=\s]+")


class Secrets:
    """What may be a secret in a URL: every part of it, for with some services the host is one."""

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        parts = {url, rest}
        for text in (rest, unquote(rest), unquote_plus(rest)):
            # As whole as can be, too: a password may have delimiters in it.
            parts.update(re.split(r"[/?#&@\s]+", text))
            parts.update(re.split(r"[/?#&@=:\s]+", text))
            parts.update(_DELIMITERS.split(text))
        written = set[str]()
        for part in parts:
            if len(part) >= _SHORTEST and part.lower() != scheme.lower() and not _is_local(part):
                written |= {part, unquote(part), quote(part, safe=""), quote(part)}
                written |= {
                    quote_plus(part),
                    repr(part)[1:-1],
                    part.encode("unicode_escape").decode(),
                }
        longest_first = sorted(
            (each for each in written if len(each) >= _SHORTEST), key=len, reverse=True
        )
        self._pattern = (
            re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
            if longest_first
            else None
        )

    def removed_from(self, text: str) -> str:
        """``text`` with a mask in place of everything that stands in the URL."""
        return text if self._pattern is None else self._pattern.sub(_MASK, text)


def _is_local(part: str) -> bool:
    """Whether it is an address, which is no secret, and helps to find out what is wrong."""
    if part.lower() == "localhost":
        return True
    try:
        ipaddress.ip_address(part)
    except ValueError:
        return False
    return True
