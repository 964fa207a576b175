"""The pictures in a request's body: one as it is, several as a form, or base64 in JSON."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, NoReturn

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header

from ankleboot.core.text import escape_unprintable
from ankleboot.server.error_responses import RequestProblem

TYPES = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
}
"""Media types of pictures and Pillow's names of their formats; no other decoder is asked."""

MAX_CONTENT_TYPE_CHARS = 512  # a boundary has at most 70
JSON, FORM = "application/json", "multipart/form-data"
MAX_COMMAS_PER_IMAGE = 4  # of JSON; base64 has none, and millions of values take 600 MB
MAX_NAME_CHARS = 255  # of a file name in the response
MAX_PART_HEADER_BYTES, MAX_PART_HEADERS = 4_096, 16


@dataclass(frozen=True)
class Sent:
    """A picture as it came.

    Attributes:
        name: The file's, as the client says; it is shown and never used as a path.
        content: The file.
    """

    name: str | None
    content: bytes


def pictures(content_type: str, body: bytes, max_images: int) -> list[Sent | RequestProblem]:
    """Parse a request body.

    Args:
        content_type: The request's header.
        body: The whole body.
        max_images: Number of images that a request may hold.

    Returns:
        In the order of the body; a problem in place of a picture that is none.

    Raises:
        RequestProblem: If the body is not what its type says, or holds none or too many.
    """
    media_type, options = check_type(content_type)
    if media_type in TYPES:
        if not body:
            raise RequestProblem(422, "no_picture", "The body is empty; send a picture.")
        return [Sent(None, body)]
    if media_type == JSON:
        return _from_json(body, max_images)
    return _from_form(body, options.get(b"boundary", b""), max_images)


def check_type(content_type: str) -> tuple[str, dict[bytes, bytes]]:
    """The media type and the options of a Content-Type header.

    Raises:
        RequestProblem: If it is none that is accepted.
    """
    if len(content_type) > MAX_CONTENT_TYPE_CHARS:  # parsing it would block the event loop
        content_type = ""
    kind, options = parse_options_header(content_type)
    media_type = kind.decode("latin-1").strip().lower()
    if media_type not in (*TYPES, FORM, JSON):
        known = ", ".join([*TYPES, FORM, JSON])
        raise RequestProblem(415, "unsupported_type", f"Content-Type must be one of {known}.")
    return media_type, options


def _from_json(body: bytes, max_images: int) -> list[Sent | RequestProblem]:
    if body.count(b",") > MAX_COMMAS_PER_IMAGE * max_images:
        raise _too_many(max_images)
    document = _parsed(body)
    if not isinstance(document, dict) or document.keys() != {"images"}:
        raise _not_as_expected('an object with the key "images" alone')
    images = document["images"]
    if not isinstance(images, list) or not images:
        raise _not_as_expected('a list of base64 strings under "images"')
    if len(images) > max_images:
        raise _too_many(max_images)
    return [_decoded(place, text) for place, text in enumerate(images)]


def _parsed(body: bytes) -> Any:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key that is there twice")
        return dict(pairs)

    try:
        text = body.decode()  # UTF-8 is what JSON between programs is in (RFC 8259, section 8.1)
        return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise RequestProblem(400, "bad_json", f"The body is no JSON: {error}.") from error


def _not_as_expected(what: str) -> RequestProblem:
    return RequestProblem(422, "bad_request", f"Expected {what}.")


def _decoded(place: int, text: object) -> Sent | RequestProblem:
    hint = "" if not str(text).startswith("data:") else "; leave out what is before the comma"
    problem = RequestProblem(
        422, "bad_base64", f"images[{place}] must be a picture's bytes in base64{hint}."
    )
    if not isinstance(text, str) or not text or len(text) % 4:  # what it decodes may end in "A="
        return problem
    try:
        return Sent(None, base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return problem


def _from_form(body: bytes, boundary: bytes, max_images: int) -> list[Sent | RequestProblem]:
    if not boundary:
        raise RequestProblem(400, "bad_form", "The Content-Type of a form must name its boundary.")
    form = _Form(max_images)
    try:
        parser = MultipartParser(
            boundary,
            form.callbacks(),  # type: ignore[arg-type]
            max_header_count=MAX_PART_HEADERS,
            max_header_size=MAX_PART_HEADER_BYTES,
        )
        parser.write(body)
    except FormParserError as error:
        raise RequestProblem(400, "bad_form", f"The form cannot be read: {error}.") from error
    if parser.state != MultipartState.END:
        raise RequestProblem(400, "bad_form", "The form ends before its last boundary.")
    if not form.parts:
        raise RequestProblem(422, "no_picture", "The form holds no file; send at least one.")
    return form.parts


class _Form:
    """Collects the parts; python-multipart calls it."""

    def __init__(self, max_images: int) -> None:
        self._max_images = max_images
        self.parts: list[Sent | RequestProblem] = []
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._content: list[bytes] = []

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._add("_field", data[start:end]),
            "on_header_value": lambda data, start, end: self._add("_value", data[start:end]),
            "on_header_end": self._header,
            "on_part_data": lambda data, start, end: self._content.append(data[start:end]),
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) == self._max_images:
            raise _too_many(self._max_images)
        self._headers, self._content = {}, []

    def _add(self, name: str, piece: bytes) -> None:
        setattr(self, name, getattr(self, name) + piece)

    def _header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        kind, _ = parse_options_header(self._headers.get(b"content-type"))
        content, self._content = b"".join(self._content), []
        self.parts.append(_part(options, kind.decode("latin-1").lower(), content))


def _part(options: dict[bytes, bytes], kind: str, content: bytes) -> Sent | RequestProblem:
    if b"filename" not in options:
        field = escape_unprintable(options.get(b"name", b"").decode(errors="replace"))[
            :MAX_NAME_CHARS
        ]
        raise RequestProblem(422, "no_file", f"The form's field {field!r} is no file.")
    if kind.startswith(("image/", "multipart/")) and kind not in TYPES:
        return RequestProblem(
            415, "unsupported_type", f"{escape_unprintable(kind)} is not among {', '.join(TYPES)}."
        )
    name = escape_unprintable(options[b"filename"].decode(errors="replace"))[:MAX_NAME_CHARS]
    return Sent(name or None, content)


def _too_many(max_images: int) -> RequestProblem:
    return RequestProblem(
        413, "too_many", f"More than {max_images} images; send them in several requests."
    )
