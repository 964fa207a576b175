"""Server of the label page: one process, one person."""

import asyncio
import secrets
import signal
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ankleboot.server.config import ServerConfig
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.http.draining_server import DrainingServer
from ankleboot.server.http.listener import open_socket, url_of
from ankleboot.server.labeling.app import LabelApp
from ankleboot.server.labeling.session import LabelSession

POLL_S = 0.05  # between two checks for the start and the end


def serve_labels(
    session: LabelSession,
    *,
    host: str,
    port: int,
    log: AccessLog,
    on_ready: Callable[[str], None],
    is_stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Serve the page until SIGINT or SIGTERM, its usual ends: every decision is stored by then.

    Args:
        session: Images and decisions.
        host: Address to listen on.
        port: Port; 0 takes a free one.
        log: Log of faults.
        on_ready: Function that receives the page's address, with the key in it.
        is_stopped: Function whose True ends the server as a signal does; it is asked every
            `POLL_S` seconds.

    Raises:
        EnvironmentFailure: If the port cannot be bound.
    """
    config = ServerConfig(host=host, port=port, drain_s=0.0)
    key = secrets.token_urlsafe(24)
    app = LabelApp(session, config, key, log)
    with open_socket(host, port) as listening:
        server = DrainingServer(config, listening, HttpToolsProtocol)
        address = f"{url_of(listening)}/#key={key}"
        asyncio.run(_serve(server, app, lambda: on_ready(address), is_stopped))


async def _serve(
    server: DrainingServer,
    app: LabelApp,
    on_ready: Callable[[], None],
    is_stopped: Callable[[], bool],
) -> None:
    serving = asyncio.create_task(server.serve_app(app))
    is_ready = False
    while not serving.done():
        if not is_ready and getattr(server, "started", False):
            is_ready = True
            on_ready()
        if is_stopped():
            server.handle_exit(signal.SIGTERM, None)
            break
        await asyncio.sleep(POLL_S)
    await serving
