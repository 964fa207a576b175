"""The socket, and who comes to it."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.server.config import ServerConfig

SYSTEMD_SOCKET = 3  # file descriptor of the first socket that systemd passes on


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to the address, or the one that systemd has passed on.

    Raises:
        EnvironmentFailure: If it cannot be had.
    """
    if _is_systemds():
        return socket.socket(fileno=SYSTEMD_SOCKET)
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = infos[0]
        found = socket.socket(family, kind, protocol)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
        except OSError:
            found.close()
            raise
        return found
    except (OSError, UnicodeError, OverflowError) as error:
        number = getattr(error, "errno", None)
        if number == errno.EADDRINUSE:
            reason = "the port is in use; choose another one with --port"
        elif number == errno.EACCES:
            reason = "no permission; ports below 1024 are for privileged users"
        else:
            reason = getattr(error, "strerror", None) or str(error)
        raise EnvironmentFailure(f"cannot listen on {host}, port {port}: {reason}") from error


def address(listening: socket.socket) -> str:
    """What to put into a browser."""
    if listening.family == socket.AF_UNIX:
        return str(listening.getsockname())
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Arrivals:
    """Takes connections, all that have come, and stops so that none is lost.

    An event loop's own server takes one connection a turn, and under load its turns are long; and
    when it closes, the system resets the connections that it had not yet taken.

    Args:
        listening: The socket.
        connection: Creates the protocol of a connection.
        config: Backlog, and the pauses at shutdown.
    """

    def __init__(
        self,
        listening: socket.socket,
        connection: Callable[[], asyncio.BaseProtocol],
        config: ServerConfig,
    ) -> None:
        self._listening, self._connection, self._config = listening, connection, config
        self._tasks: set[asyncio.Task[object]] = set()

    def begin(self) -> None:
        """Listen."""
        self._listening.setblocking(False)
        self._listening.listen(self._config.accept_backlog)
        asyncio.get_running_loop().add_reader(self._listening.fileno(), self._take_all)

    async def end(self) -> None:
        """Take who has come, close the door, and give them the time to say something."""
        asyncio.get_running_loop().remove_reader(self._listening.fileno())
        if not _is_systemds():  # another process goes on with its socket, and takes them
            # the system now makes clients retry, except for one or two whose handshake is under way
            self._listening.listen(0)
            await asyncio.sleep(self._config.accept_pause_s)
            self._take_all()
        self._listening.close()
        await asyncio.sleep(self._config.last_request_grace_s)

    def _take_all(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(self._config.accept_backlog):
            try:
                connection, _ = self._listening.accept()
            except OSError:  # nobody any more; or somebody who has left already
                return
            connection.setblocking(False)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(loop.connect_accepted_socket(self._connection, connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def _is_systemds() -> bool:
    return os.environ.get("LISTEN_PID") == str(os.getpid())
