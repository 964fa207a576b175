"""Wire format between the server and a worker: frames of a JSON head and a body of bytes.

Neither side executes anything that the other one sends.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

_SIZES = struct.Struct("<II")  # bytes of the head, bytes of the body


def pack(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    """Encode a frame."""
    return pack_head(head, len(body)) + body


def pack_head(head: Mapping[str, Any], body_size: int) -> bytes:
    """Encode the start of a frame whose body is written separately, which saves a copy of it."""
    text = json.dumps(head).encode()
    return _SIZES.pack(len(text), body_size) + text


class FrameDecoder:
    """Incremental decoder of frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Add bytes; yield the head and body of every complete frame."""
        self._buffer += data
        while len(self._buffer) >= _SIZES.size:
            head_size, body_size = _SIZES.unpack_from(self._buffer)
            body_start = _SIZES.size + head_size
            end = body_start + body_size
            if len(self._buffer) < end:
                return
            with memoryview(self._buffer) as view:  # saves a second copy of the body
                head: dict[str, Any] = json.loads(bytes(view[_SIZES.size : body_start]))
                body = bytes(view[body_start:end])
            if end == len(self._buffer):
                self._buffer = bytearray()  # frees the memory, which deleting a slice would not
            else:
                del self._buffer[:end]
            yield head, body
