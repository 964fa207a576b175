"""Inference over HTTP: read a request body within its limits, and submit it to a worker."""

import asyncio

from starlette.requests import Request

from ankleboot.server.body_parser import parse_content_type
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError, queue_full_error
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.http.protocol import CONNECTION
from ankleboot.server.workers.dispatcher import Dispatcher
from ankleboot.server.workers.queue import client_disconnected_error
from ankleboot.server.workers.supervisor import WorkerSupervisor


class InferenceClient:
    """Client of the worker processes."""

    def __init__(
        self,
        config: ServerConfig,
        supervisor: WorkerSupervisor,
        dispatcher: Dispatcher,
        log: AccessLog,
    ) -> None:
        self._config, self._supervisor = config, supervisor
        self._dispatcher, self._log = dispatcher, log
        self._arriving_bytes = 0  # of unfinished bodies of all requests

    async def process(self, kind: str, model: str, request: Request) -> tuple[int, bytes]:
        """Have a worker process a request's images; return the status and the JSON document.

        `kind` is "predict" or "explain"; the body has not been read yet.

        Raises:
            ApiError: If the body exceeds a limit, or no worker can take it.
        """
        content_type = request.headers.get("content-type", "")
        parse_content_type(content_type)  # fails before the body is read
        return await self.upload({"kind": kind, "model": model, "type": content_type}, request)

    async def upload(self, head: dict[str, str], request: Request) -> tuple[int, bytes]:
        """Submit a job with the body of a request; see `process`."""
        return await self.submit(head, request, await self._read_body(request))

    async def submit(
        self, head: dict[str, str], request: Request, body: bytes | bytearray = b""
    ) -> tuple[int, bytes]:
        """Submit a job to a worker; return the status and the document."""
        self._supervisor.check_available()
        is_closing = request.scope["extensions"][CONNECTION]["is_closing"]
        status, document, trace = await self._dispatcher.submit(head, body, is_closing)
        if trace:
            self._log("worker_fault", trace=trace)
        return status, document

    async def _read_body(self, request: Request) -> bytearray:
        config = self._config
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > config.max_body_bytes:
            raise self._too_large_error()
        body = bytearray()
        try:
            async with asyncio.timeout(config.body_timeout_s):
                while await self._read_chunk(request, body):
                    pass
        except TimeoutError:
            message = f"The body did not arrive within {config.body_timeout_s:g} seconds."
            raise ApiError(408, "too_slow", message) from None
        finally:
            self._arriving_bytes -= len(body)
        return body

    async def _read_chunk(self, request: Request, body: bytearray) -> bool:
        """Append the next chunk to a body; return whether there are more."""
        config = self._config
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise client_disconnected_error()
        chunk = message.get("body", b"")
        self._arriving_bytes += len(chunk)
        body += chunk
        if len(body) > config.max_body_bytes:
            raise self._too_large_error()
        has_room = self._arriving_bytes <= config.max_queue_bytes
        if not has_room and len(body) > config.always_read_body_bytes:
            raise queue_full_error()
        return bool(message.get("more_body", False))

    def _too_large_error(self) -> ApiError:
        message = f"The body has more than the allowed {self._config.max_body_bytes:,} bytes."
        return ApiError(413, "too_large", message)
