"""Error responses: HTTP status, machine-readable code, message."""

import json
from collections.abc import Mapping


class ApiError(Exception):
    """Error that the server sends to the client as a JSON document.

    Args:
        status: Status of the response.
        code: Identifier in snake_case for programs; part of the API.
        message: One sentence for people.
        retry_after_s: Seconds after which the client may try again, if that can help.
        headers: Further headers of the response, names in lower case.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code = status, code
        self._headers = dict(headers or {})
        if retry_after_s is not None:
            self._headers["retry-after"] = str(retry_after_s)

    def to_json(self) -> dict[str, str]:
        """Return the value under "error" of the document."""
        return {"code": self.code, "message": str(self)}

    @property
    def body(self) -> bytes:
        """Body of the response."""
        return json.dumps({"error": self.to_json()}).encode()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of the response, apart from those of every response."""
        headers = {
            "content-type": "application/json",
            "content-length": str(len(self.body)),
            "cache-control": "no-store",
        }
        return [
            (name.encode(), value.encode()) for name, value in (headers | self._headers).items()
        ]


def queue_full_error() -> ApiError:
    """Return the 503 sent when the queue is full.

    Each call makes a new one, because a raised exception keeps its traceback and so the request.
    """
    return ApiError(503, "overloaded", "Too many requests are waiting; try again.", retry_after_s=1)


INTERNAL_ERROR = ApiError(500, "internal", "The server failed; its log has the details.")
"""Response to a request that met a fault of the server; it is never raised."""
