"""Start everything, and end it so that nobody who was let in goes without an answer."""

import asyncio
import gc
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from ankleboot.core.errors import AnklebootError, Interrupted
from ankleboot.server.config import ServerConfig
from ankleboot.server.http.access_log import Journal
from ankleboot.server.http.listener import Arrivals, address, listen
from ankleboot.server.http.middleware import Guard, is_local
from ankleboot.server.http.prometheus import Measures
from ankleboot.server.http.protocol import Protocol, Rejection
from ankleboot.server.workers.malloc import give_back
from ankleboot.server.workers.model_store import Placed
from ankleboot.server.workers.pool import Pool

Started = Callable[[str], None]


def serve(config: ServerConfig, journal: Journal, started: Started) -> None:
    """Serve until SIGINT or SIGTERM; SIGHUP reads the models anew.

    Args:
        config: Configuration.
        journal: Log of events and requests.
        started: Called with the address once requests are answered.

    Raises:
        EnvironmentFailure: If the port cannot be had.
        ModelError: If a model is missing or refused.
        StoppedBySignal: At SIGINT; SIGTERM is the usual end of a server.
    """
    with listen(config.host, config.port) as listening:
        if not is_local(config.host):
            journal("public", note="every machine that reaches this one can use the server")
        models = Placed(config.models, lambda words: journal("models", note=words))
        _allow_many_connections()
        give_back()
        service = _Service(config, journal, models)
        factory = uvicorn.Config("", loop="auto").get_loop_factory()
        try:
            with asyncio.Runner(loop_factory=factory) as runner:
                signum = runner.run(service.run(listening, started))
        finally:
            service.models.remove()
    if signum == signal.SIGINT:
        raise Interrupted("stopped", signum)


class _Service:
    """The pool and the server, and what happens at signals.

    Attributes:
        models: That are served, for who removes them at the end.
    """

    def __init__(self, config: ServerConfig, journal: Journal, models: Placed) -> None:
        self._config, self._journal, self.models = config, journal, models
        self._pool = Pool(config, journal)
        self._measures = Measures(
            {
                "ankleboot_requests_waiting": (
                    "Requests that no worker has yet.",
                    lambda: self._pool.num_waiting,
                ),
                "ankleboot_workers_ready": ("Processes that answer.", lambda: self._pool.num_ready),
                "ankleboot_workers_lost": ("Processes that died.", lambda: self._pool.num_lost),
            }
        )
        self._swap: asyncio.Task[None] | None = None

    async def run(self, listening: socket.socket, started: Started) -> int | None:
        """Returns the signal that ended it."""
        loop = asyncio.get_running_loop()
        _on_hangup(self._swap_models)
        loading = loop.create_task(self._pool.start(self.models.paths))
        await asyncio.sleep(0.01)  # the worker's process begins; FastAPI is imported beside it
        from ankleboot.server.inference_client import Asking, Shortcut
        from ankleboot.server.routes import make_api

        names = list(self.models.paths)
        server = _Server(self._config, listening, self._protocol())
        asking = Asking(self._config, self._pool, self._journal)
        app = make_api(
            self._config, names, self._pool, asking, self._measures, lambda: server.is_draining
        )
        guard = Guard(
            Shortcut(app, asking, names),
            self._config,
            self._journal,
            self._measures,
            lambda: server.is_draining,
        )
        serving = loop.create_task(server.serve_app(guard))
        try:
            await self._until_loaded(loading, serving)
            if not serving.done():
                _leave_garbage()
                started(address(listening))
                self._journal("serving", models=",".join(names), workers=self._config.workers)
            await serving
        finally:
            server.should_exit = server.force_exit = True
            await asyncio.gather(serving, return_exceptions=True)
            await self._pool.close()
            self._journal("stopped")
        return server.signum

    def _protocol(self) -> type[Protocol]:
        """Connections are made by uvicorn; so what they ask belongs to their class."""
        pool, config = self._pool, self._config

        class Connection(Protocol):
            limits = config
            is_full = staticmethod(lambda: pool.is_full)
            rejected = staticmethod(self._rejected)

        return Connection

    def _rejected(self, rejection: Rejection) -> None:
        """Count and log a request that its connection has answered."""
        self._measures.answered(rejection.route, rejection.status, 0.0)
        self._journal.request(
            request_id=rejection.request_id.decode(),
            method=rejection.method,
            route=rejection.route,
            status=rejection.status,
            seconds=0.0,
            bytes_in=0,
            client=rejection.client[0] if rejection.client else "",
        )

    async def _until_loaded(
        self, loading: "asyncio.Task[None]", serving: "asyncio.Task[None]"
    ) -> None:
        await asyncio.wait((loading, serving), return_when=asyncio.FIRST_COMPLETED)
        if loading.done():
            await loading  # raises what went wrong
        loading.cancel()

    def _swap_models(self) -> None:
        is_busy = self._swap is not None and not self._swap.done()
        if self._pool.description and not is_busy:
            self._swap = asyncio.get_running_loop().create_task(self._swapped())

    async def _swapped(self) -> None:
        """Read the models again; the old ones go on where the new ones are not fit."""
        loop, journal = asyncio.get_running_loop(), self._journal
        try:
            coming = await loop.run_in_executor(
                None, Placed, self._config.models, lambda words: journal("models", note=words)
            )
        except AnklebootError as error:
            self._measures.swaps.labels("refused").inc()
            journal("models_kept", reason=str(error))
            return
        try:
            await self._pool.replace(coming.paths)
        except AnklebootError as error:
            coming.remove()
            self._measures.swaps.labels("refused").inc()
            journal("models_kept", reason=str(error))
            return
        self.models.remove()
        self.models = coming
        self._measures.swaps.labels("done").inc()
        journal("models_replaced", models=",".join(coming.paths))


class _Server(uvicorn.Server):
    """uvicorn with another way to end.

    Attributes:
        is_draining: A signal has come: what arrives is answered still, and told to go elsewhere.
        signum: The signal.
    """

    def __init__(
        self, config: ServerConfig, listening: socket.socket, protocol: type[Protocol]
    ) -> None:
        self._config, self._protocol = config, protocol
        self._arrivals = Arrivals(listening, self._connection, config)
        self.is_draining = False
        self.signum: int | None = None

    async def serve_app(self, app: Guard) -> None:
        """Serve until a signal comes."""
        super().__init__(
            uvicorn.Config(
                app,
                http=self._protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",  # the journal has what matters
                access_log=False,
                proxy_headers=False,  # anybody could write them
                server_header=False,
                timeout_keep_alive=self._config.keep_alive_s,
                timeout_graceful_shutdown=self._config.shutdown_grace_s,
            )
        )
        await self.serve(sockets=[])

    def _connection(self) -> Protocol:
        return self._protocol(self.config, self.server_state, self.lifespan.state)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections in our own way."""
        await super().startup(sockets)
        self._arrivals.begin()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """At the first signal finish what has begun, at the second one stop."""
        self.force_exit = self.is_draining
        self.is_draining = self.should_exit = True
        self.signum = self.signum or sig

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let connections end by themselves first: each answer says that it is the last.

        A connection that is closed while a request is on its way loses that request. So the server
        goes on for a moment; /readyz says 503 meanwhile, and a balancer sends nobody any more.
        """
        until = asyncio.get_running_loop().time() + self._config.drain_s
        while asyncio.get_running_loop().time() < until and not self.force_exit:
            await asyncio.sleep(0.02)
        await self._arrivals.end()
        if self.force_exit:
            for connection in list(self.server_state.connections):
                connection.transport.abort()
        await super().shutdown(sockets)


def _allow_many_connections() -> None:
    """Every connection is an open file; the usual limit is 1,024."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _leave_garbage() -> None:
    """What is here stays; to search it for garbage would stop everything for a while."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)


def _on_hangup(act: Callable[[], None]) -> None:
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, act)
