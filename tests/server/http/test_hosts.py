"""Host headers: whatever a client sends, only names of this server pass."""

import string

import hypothesis
import hypothesis.strategies as st
import pytest

from ankleboot.server.config import ServerConfig
from ankleboot.server.http.hosts import LOCAL_NAMES, HostAllowlist
from helpers.server import config, running_server

ALLOWED = ("clothes.example", "[2001:db8::7]", "Shop.Example.")


@pytest.mark.parametrize(
    ("host", "headers", "is_allowed"),
    [
        ("127.0.0.1", ["localhost:8000"], True),
        ("127.0.0.1", ["LOCALHOST."], True),
        ("127.0.0.1", ["127.0.0.1"], True),
        ("127.0.0.1", ["127.0.0.1:"], True),
        ("127.0.0.1", ["[::1]:8000"], True),
        ("127.0.0.1", ["[0:0::1]"], True),
        ("127.0.0.1", ["[2001:DB8:0::7]:80"], True),
        ("127.0.0.1", ["shop.example"], True),
        ("0.0.0.0", ["192.168.1.7:8000"], True),
        ("0.0.0.0", ["Clothes.example:443"], True),
        ("::", ["[2001:db8::1]:80"], True),
        ("127.0.0.1", ["evil.example"], False),
        ("127.0.0.1", ["192.168.1.7"], False),
        ("127.0.0.1", ["localhost.evil.example"], False),
        ("127.0.0.1", ["[::1].evil.example"], False),
        ("127.0.0.1", ["[::1]evil.example:80"], False),
        ("127.0.0.1", ["[[::1]]"], False),
        ("127.0.0.1", ["[localhost]"], False),
        ("127.0.0.1", ["[127.0.0.1"], False),
        ("127.0.0.1", ["::1"], False),
        ("127.0.0.1", ["[::1]:8000:80"], False),
        ("127.0.0.1", ["localhost:80@evil.example"], False),
        ("127.0.0.1", ["user@localhost"], False),
        ("127.0.0.1", ["localhost/evil.example"], False),
        ("127.0.0.1", ["localhost:65536"], False),
        ("127.0.0.1", ["localhost:" + "1" * 5_000], False),
        ("127.0.0.1", ["localhost:-1"], False),
        ("127.0.0.1", ["localhost:٣"], False),
        ("127.0.0.1", ["localhost.."], False),
        ("127.0.0.1", ["localhost\n"], False),
        ("127.0.0.1", ["localhost, evil.example"], False),
        ("127.0.0.1", [""], False),
        ("127.0.0.1", [], False),
        ("127.0.0.1", ["localhost", "localhost"], False),
        ("127.0.0.1", ["localhost", "evil.example"], False),
        ("0.0.0.0", ["[::1].evil.example"], False),
        ("0.0.0.0", ["192.168.1.7.evil.example"], False),
    ],
)
def test_only_names_of_the_server_are_allowed(
    host: str, headers: list[str], is_allowed: bool
) -> None:
    hosts = HostAllowlist(ServerConfig(host=host, allowed_hosts=ALLOWED))
    assert hosts.allows(headers) == is_allowed


@hypothesis.settings(max_examples=1_000)
@hypothesis.given(
    before=st.text(max_size=4),
    name=st.sampled_from(["localhost", "127.0.0.1", "[::1]", "clothes.example"]),
    after=st.text(alphabet=string.printable + "é\u202e", max_size=6),
)
def test_nothing_but_a_dot_and_a_port_may_surround_a_name(
    before: str, name: str, after: str
) -> None:
    """The oracle takes a header apart by hand, from its end."""
    header = f"{before}{name}{after}"
    allowed = HostAllowlist(ServerConfig(allowed_hosts=ALLOWED)).allows([header])
    rest, colon, port = header.rpartition(":")
    if colon and (port == "" or (port.isascii() and port.isdecimal() and int(port) < 65_536)):
        if len(port) <= 5 and not (rest.startswith("[") and not rest.endswith("]")):
            header = rest
    bare = header.lower().removesuffix(".") if not header.startswith("[") else header
    known = {*(name for name in LOCAL_NAMES if ":" not in name), "clothes.example", "shop.example"}
    assert allowed == (bare in known | {"[::1]", "[2001:db8::7]"})


def test_the_host_of_the_target_counts_as_well() -> None:
    """Clients send a whole URL to proxies; RFC 9112 lets servers take it, with its own host."""
    requests = {
        b"GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n": b"200",
        b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n": b"400",
        b"GET http://localhost@evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n": b"400",
        b"GET http://[::1].evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n": b"400",
        b"GET /healthz HTTP/1.1\r\nHost: [::1].evil.example\r\n": b"400",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n": b"400",
        b"GET //evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n": b"404",
        b"GET /healthz HTTP/1.1\r\n": b"400",
    }
    with running_server(config=config()) as server:
        statuses = {
            request: server.send_raw(request + b"Connection: close\r\n\r\n").split(b" ")[1]
            for request in requests
        }
    assert statuses == requests
