"""Error responses: HTTP status, machine-readable code, message."""

import json


class ApiError(Exception):
    """Error that the server sends to the client as a JSON document.

    Args:
        status: Status of the response.
        code: Identifier in snake_case for programs; part of the API.
        message: One sentence for people.
        headers: Further headers of the response, such as `retry_after=1` (seconds).
    """

    def __init__(self, status: int, code: str, message: str, **headers: str | int) -> None:
        super().__init__(message)
        self.status, self.code, self._headers = status, code, headers

    def to_json(self) -> dict[str, str]:
        """Return the value under "error" of the document."""
        return {"code": self.code, "message": str(self)}

    @property
    def body(self) -> bytes:
        return json.dumps({"error": self.to_json()}).encode()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Headers of the response, apart from those of every response."""
        headers = {
            "content_type": "application/json",
            "content_length": len(self.body),
            "cache_control": "no-store",
            **self._headers,
        }
        return [
            (name.replace("_", "-").encode(), str(value).encode())
            for name, value in headers.items()
        ]


class OpenInferenceError(ApiError):
    """Error in the form of the open inference protocol, {"error": "One sentence."}."""

    @classmethod
    def of(cls, error: ApiError) -> "OpenInferenceError":
        """Return an error of the API in this form."""
        return cls(error.status, error.code, str(error), **error._headers)

    @property
    def body(self) -> bytes:
        return json.dumps({"error": str(self)}).encode()


def queue_full_error() -> ApiError:
    """Return the 503 sent when the queue is full.

    Each call makes a new one, because a raised exception keeps its traceback and so the request.
    """
    return ApiError(503, "overloaded", "Too many requests are waiting; try again.", retry_after=1)


INTERNAL_ERROR = ApiError(500, "internal", "The server failed; its log has the details.")
"""Response to a request that met a fault of the server; it is never raised."""
