"""What is wrong with a request, for its sender: a status, a code for programs, a sentence."""

import json


class RequestProblem(Exception):
    """Answered with an error document in place of a result.

    Args:
        status: Of the HTTP answer.
        code: In snake_case; it does not change.
        message: One sentence that says what was expected.
        retry_after: Seconds after which it may be tried again.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after

    def to_json(self) -> dict[str, str]:
        """What stands under "error"."""
        return {"code": self.code, "message": str(self)}

    @property
    def body(self) -> bytes:
        """The document."""
        return json.dumps({"error": self.to_json()}).encode()

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Of the answer, beside those that all answers have."""
        found = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(self.body)),
            (b"cache-control", b"no-store"),
        ]
        if self.retry_after is not None:
            found.append((b"retry-after", b"%d" % self.retry_after))
        if self.status == 401:
            found.append((b"www-authenticate", b"Bearer"))
        return found


def overloaded() -> RequestProblem:
    """What those hear who come when too many wait already.

    A new one each time: an error that is raised keeps what it was raised in.
    """
    return RequestProblem(
        503, "overloaded", "Too many requests are waiting; try again.", retry_after=1
    )


INTERNAL_ERROR = RequestProblem(500, "internal", "This should not have happened.")
"""What is said of a fault of ours; never raised."""
