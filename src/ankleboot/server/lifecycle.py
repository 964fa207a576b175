"""Server lifecycle: start-up, signals, and a shutdown that loses no accepted request."""

import asyncio
import functools
import gc
import signal
import socket
from collections.abc import Callable

import uvicorn

from ankleboot.core.errors import Interrupted
from ankleboot.core.garbage import skip_old_objects
from ankleboot.server.config import ServerConfig
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.http.draining_server import DrainingServer
from ankleboot.server.http.hosts import is_local
from ankleboot.server.http.listener import open_socket, url_of
from ankleboot.server.http.middleware import AccessMiddleware
from ankleboot.server.http.prometheus import ServerMetrics
from ankleboot.server.http.protocol import TimeoutHttpProtocol
from ankleboot.server.inference import InferenceClient
from ankleboot.server.reload import SWAPS, ModelFiles, ModelSwapper, collect_early_signals
from ankleboot.server.routes import Router
from ankleboot.server.services import Services
from ankleboot.server.workers.dispatcher import Dispatcher
from ankleboot.server.workers.malloc import limit_malloc_cache
from ankleboot.server.workers.supervisor import WorkerSupervisor


def serve(config: ServerConfig, log: AccessLog, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; SIGHUP reloads the models, SIGUSR1 undoes that.

    `on_ready` is called with the URL once a worker is ready.

    Raises:
        EnvironmentFailure: If the port cannot be bound.
        ModelError: If a model is missing or fails its check.
        Interrupted: At SIGINT; SIGTERM is the normal end of a server.
    """
    with open_socket(config.host, config.port) as listening:
        if not is_local(config.host):
            log("public", note="every machine that reaches this one can use the server")
        early = collect_early_signals()
        files = ModelFiles(config, log)
        try:
            _raise_open_file_limit()
            limit_malloc_cache()
            service = _Service(config, log, files)
            loop_factory = uvicorn.Config("", loop="auto").get_loop_factory()  # uvloop if installed
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                signum = runner.run(service.run(listening, on_ready, early))
        finally:
            files.remove_others()  # after the runner has waited for a thread that copies some
    if signum == signal.SIGINT:
        raise Interrupted("stopped", signum)


class _Service:
    """Workers, HTTP server, and swaps of the models."""

    def __init__(self, config: ServerConfig, log: AccessLog, files: ModelFiles) -> None:
        self._config, self._log, self._files = config, log, files
        self._dispatcher = Dispatcher(config)
        self._supervisor = WorkerSupervisor(config, self._dispatcher, log)
        self._metrics = ServerMetrics(self._dispatcher, self._supervisor)
        self._swapper = ModelSwapper(files, self._supervisor, self._metrics, log)

    async def run(
        self, listening: socket.socket, on_ready: Callable[[str], None], early: list[int]
    ) -> int | None:
        """Run until a signal; return the signal. `early` are those for swaps that came before."""
        loop = asyncio.get_running_loop()
        for signum, swap in SWAPS.items():
            loop.add_signal_handler(signum, self._swapper.request, swap)
        for signum in early:
            self._swapper.request(SWAPS[signum])
        paths = self._files.current.paths
        loading = loop.create_task(self._supervisor.start(paths))
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
                self._log("serving", models=",".join(paths), workers=self._config.workers)
                self._swapper.start()
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
        names = list(self._files.current.paths)
        router = Router(Services(config, names, supervisor, inference, metrics, server))
        return AccessMiddleware(router, config, log, metrics, server)


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
    skip_old_objects()
    gc.set_threshold(50_000, 50, 1000)
