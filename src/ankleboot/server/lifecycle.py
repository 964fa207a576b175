"""Server lifecycle: start-up, reload on SIGHUP, and a shutdown that loses no accepted request."""

import asyncio
import functools
import gc
import signal
import socket
from collections.abc import Callable

import uvicorn

from ankleboot.core.errors import AnklebootError, Interrupted
from ankleboot.server.config import ServerConfig
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.http.draining_server import DrainingServer
from ankleboot.server.http.listener import open_socket, url_of
from ankleboot.server.http.middleware import AccessMiddleware, is_local
from ankleboot.server.http.prometheus import ServerMetrics
from ankleboot.server.http.protocol import TimeoutHttpProtocol
from ankleboot.server.inference import InferenceClient
from ankleboot.server.routes import Router, Services
from ankleboot.server.workers.dispatcher import Dispatcher
from ankleboot.server.workers.malloc import limit_malloc_cache
from ankleboot.server.workers.model_store import ModelStore
from ankleboot.server.workers.supervisor import WorkerSupervisor


def serve(config: ServerConfig, log: AccessLog, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; SIGHUP reloads the models.

    `on_ready` is called with the URL once a worker is ready.

    Raises:
        EnvironmentFailure: If the port cannot be bound.
        ModelError: If a model is missing or fails its check.
        Interrupted: At SIGINT; SIGTERM is the normal end of a server.
    """
    with open_socket(config.host, config.port) as listening:
        if not is_local(config.host):
            log("public", note="every machine that reaches this one can use the server")
        store = _load_store(config, log)
        _raise_open_file_limit()
        limit_malloc_cache()
        service = _Service(config, log, store)
        try:
            loop_factory = uvicorn.Config("", loop="auto").get_loop_factory()  # uvloop if installed
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                signum = runner.run(service.run(listening, on_ready))
        finally:
            service.store.remove()
    if signum == signal.SIGINT:
        raise Interrupted("stopped", signum)


class _Service:
    """Workers, HTTP server, and reloads of the models."""

    def __init__(self, config: ServerConfig, log: AccessLog, store: ModelStore) -> None:
        self._config, self._log, self.store = config, log, store  # `serve` removes its files
        self._dispatcher = Dispatcher(config)
        self._supervisor = WorkerSupervisor(config, self._dispatcher, log)
        self._metrics = ServerMetrics(self._dispatcher, self._supervisor)
        self._reload: asyncio.Task[None] | None = None

    async def run(self, listening: socket.socket, on_ready: Callable[[str], None]) -> int | None:
        """Run until a signal; return the signal."""
        loop = asyncio.get_running_loop()
        if hasattr(signal, "SIGHUP"):
            loop.add_signal_handler(signal.SIGHUP, self._start_reload)
        loading = loop.create_task(self._supervisor.start(self.store.paths))
        connection = functools.partial(
            TimeoutHttpProtocol, self._config, self._dispatcher, self._log, self._metrics
        )
        server = DrainingServer(self._config, listening, connection)
        serving = loop.create_task(server.serve_app(self._app(server)))
        try:
            await _first_of(loading, serving)
            if not serving.done():
                _tune_gc()
                on_ready(url_of(listening))
                names = ",".join(self.store.paths)
                self._log("serving", models=names, workers=self._config.workers)
            await serving
        finally:
            server.should_exit = server.force_exit = True
            await asyncio.gather(serving, return_exceptions=True)
            await self._supervisor.close()
            self._log("stopped")
        return server.signum

    def _app(self, server: DrainingServer) -> AccessMiddleware:
        config, log, supervisor, metrics = self._config, self._log, self._supervisor, self._metrics
        inference = InferenceClient(config, supervisor, self._dispatcher, log)
        names = list(self.store.paths)
        router = Router(Services(config, names, supervisor, inference, metrics, server))
        return AccessMiddleware(router, config, log, metrics, server)

    def _start_reload(self) -> None:
        is_running = self._reload is not None and not self._reload.done()
        if self._supervisor.models_json and not is_running:
            self._reload = asyncio.get_running_loop().create_task(self._reload_models())

    async def _reload_models(self) -> None:
        """Load the models again; keep the old ones if one of the new ones fails."""
        store: ModelStore | None = None
        try:
            store = await asyncio.to_thread(_load_store, self._config, self._log)
            await self._supervisor.reload(store.paths)
        except AnklebootError as error:
            if store is not None:
                store.remove()
            self._metrics.model_reloads.labels("refused").inc()
            self._log("models_kept", reason=str(error))
            return
        self.store.remove()
        self.store = store
        self._metrics.model_reloads.labels("done").inc()
        self._log("models_replaced", models=",".join(store.paths))


def _load_store(config: ServerConfig, log: AccessLog) -> ModelStore:
    return ModelStore(
        config.models, lambda message: log("models", note=message), trust=config.trust
    )


async def _first_of(loading: "asyncio.Task[None]", serving: "asyncio.Task[None]") -> None:
    """Wait until the models are loaded or a signal ends the server; raise a failure to load."""
    await asyncio.wait((loading, serving), return_when=asyncio.FIRST_COMPLETED)
    if loading.done():
        await loading
    loading.cancel()


def _raise_open_file_limit() -> None:
    """Allow as many open files as the system permits: each connection is one."""
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _tune_gc() -> None:
    """Exclude start-up objects from garbage collection: a full one pauses the event loop."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
