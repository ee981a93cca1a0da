"""Where an account's requests go."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from voicereg.domain.errors import InvalidInput, Problem
from voicereg.domain.families import Region

_SHARED_HOSTS = {
    Region.BEIJING: "dashscope.aliyuncs.com",
    Region.SINGAPORE: "dashscope-intl.aliyuncs.com",
}
_BASE_PATH = "/api/v1"
_WEBSOCKET_PATH = "/api-ws/v1/"
_BEGINS_ASIDE = re.compile(r"[?#;&=%]")
"""From there on, a URL may hold anything."""
HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
"""What a region or a workspace may be, both of which become a part of a host's name."""
"""What a workspace and a region are made of: nothing that could make them another host."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The HTTP base of an account, and the headers that say whose request it is."""

    base_url: str
    """Ends in ``/api/v1``, without a slash."""
    host: str
    """For messages."""
    workspace: str | None

    @property
    def websocket_base_url(self) -> str:
        """Where WebSockets are opened, on the same host; ends in a slash."""
        base = self.base_url.removesuffix(_BASE_PATH) + _WEBSOCKET_PATH
        return "ws" + base.removeprefix("http")

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine (a sandbox): no proxy then, and plain HTTP is allowed."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")


def endpoint(*, region: str, workspace: str | None, base_url: str | None) -> Endpoint:
    """The endpoint of an account, from the provider's API reference.

    Args:
        region: the account's region; one that is not known needs a workspace or a base URL.
        workspace: the workspace id; None: the shared host of the region.
        base_url: overrides both.

    Raises:
        InvalidInput: a base URL that is not one, or would send the key unencrypted; a region
            whose host is not known; or a workspace or region that cannot be part of a host.
    """
    if workspace is not None and not HOST_LABEL.fullmatch(workspace):
        raise InvalidInput(Problem("workspace", workspace, "it is letters, digits, - and _ only"))
    if base_url is not None:
        parts = checked_base_url(base_url)
        return Endpoint(base_url.rstrip("/"), parts.netloc, workspace)
    if workspace is not None:
        if not HOST_LABEL.fullmatch(region):
            raise InvalidInput(Problem("region", region, "it is letters, digits, - and _ only"))
        host = f"{workspace}.{region}.maas.aliyuncs.com"
    else:
        try:
            host = _SHARED_HOSTS[Region(region)]
        except ValueError:
            raise InvalidInput(
                Problem("region", region, "its shared host is not known"),
                advice="give the account a workspace or a base URL",
            ) from None
    return Endpoint(f"https://{host}{_BASE_PATH}", host, workspace)


def checked_base_url(base_url: str) -> SplitResult:
    """The parts of a base URL.

    What is refused may be a key, or hold one: messages repeat a scheme, host and path alone.

    Raises:
        InvalidInput: it does not end in ``/api/v1``, carries a user, a query or a fragment, or is
            plain HTTP to another machine: a key would travel in the clear.
    """
    if "@" in base_url:  # looked for first, so that no message below repeats a password
        raise InvalidInput(Problem("base-url", "", "it must not carry a user or a password"))
    if " " in base_url or not base_url.isprintable():
        raise InvalidInput(Problem("base-url", "", "it must not hold spaces or controls"))
    try:
        parts = urlsplit(base_url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise InvalidInput(Problem("base-url", "", "it is not a URL")) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise InvalidInput(Problem("base-url", "", "it must begin with https://HOST"))
    shown = _BEGINS_ASIDE.split(base_url, maxsplit=1)[0]
    if "?" in base_url or "#" in base_url or not parts.path.rstrip("/").endswith(_BASE_PATH):
        raise InvalidInput(Problem("base-url", shown, f"it must end in {_BASE_PATH}"))
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise InvalidInput(
            Problem("base-url", shown, "plain http would send the key unencrypted; use https")
        )
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
