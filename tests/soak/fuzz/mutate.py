"""Mutations of a seed: of bytes for all kinds, of the structure for JSON."""

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

NUMBERS: tuple[str, ...] = (
    "1e999",
    "-1e999",
    "NaN",
    "Infinity",
    "-0",
    "-1",
    "0",
    "1e-320",
    "1" + "0" * 400,
)
NUMBERS += tuple(str(2**bits) for bits in (15, 31, 32, 53, 63, 64)) + ("true", "null", '""')
LENGTHS = tuple(
    (number % 2**32).to_bytes(size, order)
    for number in (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)
    for size in (4, 2, 8)
    if number < 256**size
    for order in ("big", "little")
)
TEXTS: tuple[bytes, ...] = (
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\x1b]0;x\x07",
    b"../../x",
    b"=cmd|' '!A0",
)
TEXTS += (b"\xed\xa0\x80", b'"', b",", b"%00", "\u202e".encode(), b"1" * 400, b"e" * 5000)
VALUES: tuple[Any, ...] = (None, True, -1, 0, 1.5, 2**31, 2**63, 10**400, "", "x", "\ud800", [], {})
VALUES += (float("nan"), float("inf"), -0.0, [None], {"a": None}, ["x"] * 3)
"""Wrong values of a key. The text of 10**400 has digits that `int` still reads."""


def mutate(seeds: Sequence[bytes], is_json: bool, draw: random.Random) -> bytes:
    """Return one seed after one to four mutations."""
    content = draw.choice(seeds)
    if is_json and draw.random() < 0.6:
        content = mutate_json(content, draw)
        if draw.random() < 0.7:
            return content
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        content = draw.choice(BYTES)(content, draw.choice(seeds), draw)
    return content


def mutate_json(content: bytes, draw: random.Random) -> bytes:
    """Replace, remove, double or nest one value of a JSON document."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):  # what earlier mutations left, and seeds that are deep
        return content
    places = list(places_of(document))
    if not places:
        return content
    holder, key = draw.choice(places)
    kind = draw.randrange(6)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = {"a": holder[key]} if draw.random() < 0.5 else [holder[key]] * 2
    elif kind == 2:
        other, name = draw.choice(places)
        holder[key] = copy.deepcopy(other[name])
    elif kind == 3 and isinstance(holder, dict):
        holder[draw.choice(("format", "version", "name", "\x1b[31m", "x" * 300))] = 2
    else:
        holder[key] = draw.choice(VALUES)
    text = json.dumps(document)
    if draw.random() < 0.05:
        depth = draw.choice((200, 5_000, 100_000))
        text = text.replace("null", "[" * depth + "]" * depth, 1)
    if draw.random() < 0.1:
        text = text.replace("{", '{"name": 1, "name": 2, ', 1)
    return text.encode()


def places_of(value: Any) -> Any:
    """Yield every dictionary and list with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(items):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places_of(inner)


def flip(content: bytes, other: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(draw.choice((1, 1, 3, 16)) if changed else 0):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def truncate(content: bytes, other: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def splice(content: bytes, other: bytes, draw: random.Random) -> bytes:
    start, end = draw.randrange(len(content) + 1), draw.randrange(len(other) + 1)
    return content[:start] + other[end:]


def repeat(content: bytes, other: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(content) + 1)
    piece = content[start : start + draw.choice((1, 8, 64))]
    return content[:start] + piece * draw.choice((2, 16, 300)) + content[start:]


def remove(content: bytes, other: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(content) + 1)
    return content[:start] + content[start + draw.choice((1, 4, 32)) :]


def length(content: bytes, other: bytes, draw: random.Random) -> bytes:
    """Overwrite what may be a length or a count, the likeliest in the first bytes."""
    end = min(len(content), 64) if draw.random() < 0.5 else len(content)
    start, value = draw.randrange(end + 1), draw.choice(LENGTHS)
    return content[:start] + value + content[start + len(value) :]


def number(content: bytes, other: bytes, draw: random.Random) -> bytes:
    """Write another number in place of a digit run."""
    starts = [i for i, byte in enumerate(content[:5000]) if 48 <= byte < 58]
    if not starts:
        return flip(content, other, draw)
    start = end = draw.choice(starts)
    while end < len(content) and 48 <= content[end] < 58:
        end += 1
    return content[:start] + draw.choice(NUMBERS).encode() + content[end:]


def insert(content: bytes, other: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(content) + 1)
    return content[:start] + draw.choice(TEXTS) + content[start:]


def noise(content: bytes, other: bytes, draw: random.Random) -> bytes:
    start, size = draw.randrange(len(content) + 1), draw.choice((1, 4, 16, 64))
    return content[:start] + draw.randbytes(size) + content[start + size :]


BYTES = (flip, flip, truncate, splice, repeat, remove, length, number, insert, noise)
