"""What goes between the server and a worker, over pipes: a head in JSON and a body of bytes.

Neither side runs anything that the other one sends.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

_SIZES = struct.Struct("<II")  # bytes of the head, bytes of the body


def pack(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    """A frame, ready to be written."""
    return pack_head(head, len(body)) + body


def pack_head(head: Mapping[str, Any], body_size: int) -> bytes:
    """What comes before a body that is written by itself, because a copy would be dear."""
    text = json.dumps(head).encode()
    return _SIZES.pack(len(text), body_size) + text


class Splitter:
    """Takes bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Add bytes; yields the head and body of every frame that is complete now."""
        self._buffer += data
        while len(self._buffer) >= _SIZES.size:
            head_size, body_size = _SIZES.unpack_from(self._buffer)
            body_at = _SIZES.size + head_size
            end = body_at + body_size
            if len(self._buffer) < end:
                return
            with memoryview(self._buffer) as view:  # one copy is enough
                head: dict[str, Any] = json.loads(bytes(view[_SIZES.size : body_at]))
                body = bytes(view[body_at:end])
            if end == len(self._buffer):
                self._buffer = bytearray()  # lets the memory go, which deleting would not
            else:
                del self._buffer[:end]
            yield head, body
