import asyncio

import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.server.http.listener import Listener, open_socket
from helpers.server import config


def test_a_port_in_use_and_an_unknown_host_are_clear_errors() -> None:
    with open_socket("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFailure, match=f"port {port}: the port is in use"):
            open_socket("127.0.0.1", port)
    with pytest.raises(EnvironmentFailure, match="cannot listen on no.such.host.invalid"):
        open_socket("no.such.host.invalid", 0)


def test_a_port_that_another_server_took_while_this_one_started_is_a_clear_error() -> None:
    """Two sockets may be bound to a port until one of them listens."""
    with open_socket("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with open_socket("127.0.0.1", port) as second:
            first.listen()
            listener = Listener(second, asyncio.Protocol, config(port=port))
            with pytest.raises(EnvironmentFailure, match=f"port {port}: the port is in use"):
                listener.start()
