"""Parts of the server that routes use, and the type of a route."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ankleboot.server.body_parser import JSON
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError
from ankleboot.server.http.draining_server import DrainingServer
from ankleboot.server.http.prometheus import ServerMetrics
from ankleboot.server.http.static_files import StaticFile
from ankleboot.server.inference import InferenceClient
from ankleboot.server.workers.supervisor import WorkerSupervisor


@dataclass(frozen=True)
class Services:
    """Parts of the server that routes use."""

    config: ServerConfig
    model_names: list[str]  # the first one is the default
    supervisor: WorkerSupervisor
    inference: InferenceClient
    metrics: ServerMetrics
    server: DrainingServer
    static_files: dict[str, StaticFile] = field(default_factory=dict)  # by URL path

    def check_ready(self) -> None:
        """Check that the server takes requests.

        Raises:
            ApiError: If it is stopping, or no worker is ready.
        """
        if self.server.is_draining:
            raise ApiError(503, "draining", "The server is stopping.", retry_after=1)
        if self.supervisor.unavailable_reason is not None:
            raise self.supervisor.not_ready_error()

    def described_models(self) -> list[dict[str, Any]]:
        """Return the descriptions of the served models.

        Raises:
            ApiError: If no worker has loaded them yet.
        """
        if not self.supervisor.models_json:
            raise self.supervisor.not_ready_error()
        return _parsed(self.supervisor.models_json)


@lru_cache(maxsize=1)  # with the cards it may have megabytes, and every request of /v2 asks for it
def _parsed(models_json: bytes) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = json.loads(models_json)
    return described


Route = Callable[[Request, Services], Awaitable[Response]]


def json_response(document: bytes | Mapping[str, Any], status: int = 200) -> Response:
    """Return a response that no cache keeps, from a JSON document or the bytes of one."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Response(content, status, {"cache-control": "no-store"}, media_type=JSON)
