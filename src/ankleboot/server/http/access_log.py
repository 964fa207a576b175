"""Log on stderr, a line per event and per request: JSON for programs, text for people.

No image, no file name and no header of a request appears in it.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any, Literal

Form = Literal["json", "text", "off"]

FLUSH_AFTER_S = 0.02  # time for which the line of a request may wait for others

_quoted = json.JSONEncoder().encode  # of a string


class Journal:
    """Writes lines.

    Args:
        form: "json" (one object per line), "text", or "off".
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._second, self._stamp = 0, ""
        self._lines: list[str] = []

    def __call__(self, event: str, **facts: Any) -> None:
        """Write the line of an event."""
        if self._form == "off":
            return
        self._lines.append(self._line(event, facts))
        self._flush()

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
        """Write the line of a request that has its response, together with those that follow soon.

        A system call and a JSON encoder for each line would take half as long as the rejection of
        a request by an overloaded server.
        """
        if self._form == "off":
            return
        if not self._lines:
            asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self._flush)
        stamp, ms = self._time(), round(1000 * seconds, 2)
        if self._form == "json":
            self._lines.append(
                f'{{"time": "{stamp}", "event": "request", "request": {_quoted(request_id)}, '
                f'"method": {_quoted(method)}, "route": {_quoted(route)}, '
                f'"status": {"null" if status is None else status}, "ms": {ms}, '
                f'"bytes_in": {bytes_in}, "client": {_quoted(client)}}}'
            )
        else:
            self._lines.append(
                f"{stamp[11:19]} request request={request_id} method={method} route={route} "
                f"status={status} ms={ms} bytes_in={bytes_in} client={client}"
            )

    def _line(self, event: str, facts: dict[str, Any]) -> str:
        stamp = self._time()
        if self._form == "json":
            return json.dumps({"time": stamp, "event": event, **facts})
        words = " ".join(f"{key}={value}" for key, value in facts.items())
        return f"{stamp[11:19]} {event} {words}"

    def _time(self) -> str:
        """Return the time in UTC; one second shares its formatted part."""
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._stamp}.{int((now - second) * 1000):03d}Z"

    def _flush(self) -> None:
        """Write what waits; a closed stderr is ignored."""
        if not self._lines:
            return
        text = "\n".join(self._lines) + "\n"
        self._lines.clear()
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
