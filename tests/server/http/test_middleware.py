import pytest

from ankleboot.server.config import ServerConfig
from ankleboot.server.http.middleware import HostAllowlist


@pytest.mark.parametrize(
    ("host", "header", "is_allowed"),
    [
        ("127.0.0.1", "localhost:8000", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "[::1]:8000", True),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "192.168.1.7", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.168.1.7:8000", True),
        ("0.0.0.0", "evil.example", False),
        ("0.0.0.0", "Clothes.example:443", True),
        ("::", "[2001:db8::1]:80", True),
    ],
)
def test_only_names_of_the_server_are_allowed(host: str, header: str, is_allowed: bool) -> None:
    config = ServerConfig(host=host, allowed_hosts=("clothes.example",))
    assert HostAllowlist(config).allows(header) == is_allowed
