"""Host names by which clients may call a server."""

import ipaddress
import re

from ankleboot.server.config import ServerConfig

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
MAX_PORT = 65_535

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{0,5}))?")


class HostAllowlist:
    """Host names by which clients may call the server, against DNS rebinding.

    A foreign page could let its own host name point to this machine and then read the responses.
    It cannot do that with a numeric address.
    """

    def __init__(self, config: ServerConfig) -> None:
        names = (*config.allowed_hosts, config.host, *LOCAL_NAMES)
        self._names = {_normal(name.removeprefix("[").removesuffix("]")) for name in names}
        self._is_public = not is_local(config.host)

    def allows(self, headers: list[str]) -> bool:
        """Return whether the Host headers of a request, one alone, name this server."""
        match = _HOST.fullmatch(headers[0]) if len(headers) == 1 else None
        if match is None or int(match[3] or 0) > MAX_PORT:
            return False
        if match[1] and not is_address(match[1]):
            return False
        name = _normal(match[1] or match[2])
        return name in self._names or (self._is_public and is_address(name))


def is_local(host: str) -> bool:
    """Return whether only this machine can reach an address to listen on."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _normal(name: str) -> str:
    """Write a name as names are compared: "LOCALHOST." gives "localhost", "0::1" gives "::1"."""
    name = name.lower().removesuffix(".")
    return str(ipaddress.ip_address(name)) if is_address(name) else name
