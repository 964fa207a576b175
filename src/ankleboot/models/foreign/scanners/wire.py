"""Reader of protocol buffers without their schema.

Source: Protocol Buffers encoding, https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator

from ankleboot.core.errors import ModelError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MAX_VARINT_BYTES = 10

Value = int | memoryview


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Yield number and value of each field of a message, in their order.

    Varints are integers without a sign; other values are bytes.

    Raises:
        ModelError: If the message is damaged.
    """
    position, end = 0, len(message)
    while position < end:
        key, position = varint(message, position)
        kind, number = key & 7, key >> 3
        if not 0 < number < 2**29:
            raise ModelError("damaged (an unknown field)")
        if kind == VARINT:
            value, position = varint(message, position)
            yield number, value
            continue
        if kind == BYTES:
            size, position = varint(message, position)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            raise ModelError("damaged (an unknown kind of field)")
        if position + size > end:
            raise ModelError("damaged (a field ends behind its message)")
        yield number, message[position : position + size]
        position += size


def varint(message: memoryview, position: int) -> tuple[int, int]:
    """Read an integer of variable length; return it and the position behind it."""
    value = 0
    for index in range(MAX_VARINT_BYTES):
        if position + index >= len(message):
            break
        byte = message[position + index]
        value |= (byte & 127) << 7 * index
        if byte < 128:
            return value, position + index + 1
    raise ModelError("damaged (a number without an end)")


def integers(value: Value) -> list[int]:
    """Return the signed integers of one value of a repeated field, packed or not."""
    numbers, position = [], 0
    if isinstance(value, int):
        return [signed(value)]
    while position < len(value):
        number, position = varint(value, position)
        numbers.append(signed(number))
    return numbers


def signed(value: int) -> int:
    """Return an int64 for its varint."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def text(value: Value) -> str:
    """Return a text field; damaged letters are replaced."""
    return "" if isinstance(value, int) else bytes(value).decode(errors="replace")
