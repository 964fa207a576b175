"""Inference over HTTP: read a request body within its limits, and submit it to a worker."""

import asyncio
from typing import NoReturn

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
    """Client of the worker processes.

    Args:
        config: Limits of a request body.
        supervisor: Knows whether a worker is available.
        dispatcher: Takes the requests.
        log: Log of faults in workers.
    """

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
        """Have a worker process a request's images.

        Args:
            kind: "predict" or "explain".
            model: Name of the model.
            request: Request whose body has not been read.

        Returns:
            Status and JSON document.

        Raises:
            ApiError: If the body exceeds a limit, or no worker can take it.
        """
        content_type = request.headers.get("content-type", "")
        parse_content_type(content_type)  # fails before the body is read
        body = await self._read_body(request)
        head = {"kind": kind, "model": model, "type": content_type}
        return await self.submit(head, request, body)

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
            self._raise_too_large()
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
            self._raise_too_large()
        has_room = self._arriving_bytes <= config.max_queue_bytes
        if not has_room and len(body) > config.always_read_body_bytes:
            raise queue_full_error()
        return bool(message.get("more_body", False))

    def _raise_too_large(self) -> NoReturn:
        message = f"The body has more than the allowed {self._config.max_body_bytes:,} bytes."
        raise ApiError(413, "too_large", message)
