import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.server.http.listener import open_socket


def test_a_port_in_use_and_an_unknown_host_are_clear_errors() -> None:
    with open_socket("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFailure, match=f"port {port}: the port is in use"):
            open_socket("127.0.0.1", port)
    with pytest.raises(EnvironmentFailure, match="cannot listen on no.such.host.invalid"):
        open_socket("no.such.host.invalid", 0)
