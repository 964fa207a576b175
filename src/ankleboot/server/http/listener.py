"""Listening socket and its accept loop."""

import asyncio
import errno
import os
import socket
from asyncio import Protocol
from collections.abc import Callable

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.server.config import ServerConfig

_BIND_ERRORS = {
    errno.EADDRINUSE: "the port is in use; choose another one with --port",
    errno.EACCES: "no permission; ports below 1024 are for privileged users",
}


def open_socket(host: str, port: int) -> socket.socket:
    """Bind a socket to the address, or take over the one that systemd passed on.

    Raises:
        EnvironmentFailure: If the address cannot be bound.
    """
    if _has_systemd_socket():
        return socket.socket(fileno=3)  # the first one that systemd passes on
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = infos[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        return bound
    except (OSError, UnicodeError, OverflowError) as error:
        raise _failure(host, port, error) from error


def _failure(host: str, port: int, error: Exception) -> EnvironmentFailure:
    reason = _BIND_ERRORS.get(getattr(error, "errno", 0)) or getattr(error, "strerror", "")
    return EnvironmentFailure(f"cannot listen on {host}, port {port}: {reason or error}")


def url_of(listening: socket.socket) -> str:
    """Return the URL of a bound socket."""
    if listening.family == socket.AF_UNIX:
        return str(listening.getsockname())
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Listener:
    """Accept loop that takes all pending connections at once and loses none when it closes.

    The server of an event loop accepts one connection per iteration, and iterations are long under
    load. When it closes, the system resets the connections that it has not accepted yet.
    """

    def __init__(
        self, listening: socket.socket, make_protocol: Callable[[], Protocol], config: ServerConfig
    ) -> None:
        self._listening, self._make_protocol, self._config = listening, make_protocol, config
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        """Begin to accept connections.

        Raises:
            EnvironmentFailure: If another process that bound the same port listens since.
        """
        self._listening.setblocking(False)
        try:
            self._listening.listen(self._config.accept_backlog)
        except OSError as error:
            raise _failure(self._config.host, self._config.port, error) from error
        asyncio.get_running_loop().add_reader(self._listening.fileno(), self._accept_all)

    async def close(self) -> None:
        """Accept pending connections, close the socket, and wait for their first requests."""
        asyncio.get_running_loop().remove_reader(self._listening.fileno())
        if not _has_systemd_socket():  # there, the next process accepts the pending connections
            # from here on the system makes clients retry, except for handshakes under way
            self._listening.listen(0)
            await asyncio.sleep(self._config.accept_pause_s)
            self._accept_all()
        self._listening.close()
        await asyncio.sleep(self._config.last_request_grace_s)

    def _accept_all(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(self._config.accept_backlog):
            try:
                connection, _ = self._listening.accept()
            except OSError:  # no pending connection, or the client has disconnected
                return
            connection.setblocking(False)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(loop.connect_accepted_socket(self._make_protocol, connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def _has_systemd_socket() -> bool:
    return os.environ.get("LISTEN_PID") == str(os.getpid())
