"""What happened, a line each, on stderr: JSON for programs, words for people.

No picture, no file name and no header of a request gets into it.
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

    def __call__(self, event: str, **facts: Any) -> None:
        """Note what happened; nothing else ends because nobody reads it."""
        if self._form == "off":
            return
        now = time.time()
        stamp = (
            time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        )
        if self._form == "json":
            line = json.dumps({"time": stamp, "event": event, **facts})
        else:
            words = " ".join(f"{key}={value}" for key, value in facts.items())
            line = f"{stamp[11:19]} {event} {words}"
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
