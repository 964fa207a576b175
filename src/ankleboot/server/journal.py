"""Log on stderr, a line per event and per request: JSON for programs, text for people.

No image, no file name and no header of a request appears in it.
"""

import json
import sys
import time
from contextlib import suppress
from typing import Any, Literal

Form = Literal["json", "text", "off"]


class Journal:
    """Writes lines.

    Args:
        form: "json" (one object per line), "text", or "off".
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._second, self._stamp = 0, ""

    def request(
        self,
        *,
        request_id: str,
        method: str,
        route: str,
        status: int | None,
        seconds: float,
        bytes_in: int,
        client: str,
    ) -> None:
        """Write the line of a request that has its response."""
        if self._form == "off":
            return
        self(
            "request",
            request=request_id,
            method=method,
            route=route,
            status=status,
            ms=round(1000 * seconds, 2),
            bytes_in=bytes_in,
            client=client,
        )

    def __call__(self, event: str, **facts: Any) -> None:
        """Write one line; a closed stderr is ignored."""
        if self._form == "off":
            return
        now = time.time()
        second = int(now)
        if second != self._second:  # to format it for each line would take half of the line's time
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        stamp = f"{self._stamp}.{int(now % 1 * 1000):03d}Z"
        if self._form == "json":
            line = json.dumps({"time": stamp, "event": event, **facts})
        else:
            words = " ".join(f"{key}={value}" for key, value in facts.items())
            line = f"{stamp[11:19]} {event} {words}"
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
