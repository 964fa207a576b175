"""Request body parsing: one image as it is, several in a form, or base64 in JSON."""

import base64
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, MultipartState, parse_options_header

from ankleboot.core.text import escape_unprintable
from ankleboot.data.preprocessing.image_formats import IMAGE_FORMATS
from ankleboot.server.error_responses import ApiError

IMAGE_TYPES = {entry.media_type: entry.name for entry in IMAGE_FORMATS if entry.in_browsers}
"""Media types of images and Pillow's names of their formats; no other decoder runs."""

JSON, FORM = "application/json", "multipart/form-data"
MEDIA_TYPES = (*IMAGE_TYPES, FORM, JSON)
MAX_CONTENT_TYPE_CHARS = 512  # a boundary has at most 70
MAX_COMMAS_PER_IMAGE = 4  # of JSON; base64 has none, and millions of values take 600 MB
MAX_NAME_CHARS = 255  # of a file name in the response


@dataclass(frozen=True)
class UploadedImage:
    """Image file of a request, not yet decoded."""

    name: str | None  # that the client sent, for display only; it is never used as a path
    content: bytes


def parse_images(content_type: str, body: bytes, max_images: int) -> list[UploadedImage | ApiError]:
    """Return the images of a body in order; an error in place of each that cannot be read.

    Raises:
        ApiError: If the body does not match its type, or holds no image or too many.
    """
    media_type, options = parse_content_type(content_type)
    if media_type in IMAGE_TYPES:
        if not body:
            raise ApiError(422, "no_picture", "The body is empty; send an image.")
        return [UploadedImage(None, body)]
    if media_type == JSON:
        return _parse_json(body, max_images)
    return _parse_form(body, options.get(b"boundary", b""), max_images)


def parse_content_type(content_type: str) -> tuple[str, dict[bytes, bytes]]:
    """Return the media type and the options of a Content-Type header.

    Raises:
        ApiError: If the server does not accept the media type.
    """
    if len(content_type) > MAX_CONTENT_TYPE_CHARS:  # parsing it would block the event loop
        content_type = ""
    name, options = parse_options_header(content_type)
    media_type = name.decode("latin-1").strip().lower()
    if media_type not in MEDIA_TYPES:
        accepted = ", ".join(MEDIA_TYPES)
        raise ApiError(415, "unsupported_type", f"Content-Type must be one of {accepted}.")
    return media_type, options


def _parse_json(body: bytes, max_images: int) -> list[UploadedImage | ApiError]:
    if body.count(b",") > MAX_COMMAS_PER_IMAGE * max_images:
        raise _too_many_images(max_images)
    document = _load_json(body)
    if not isinstance(document, dict) or document.keys() != {"images"}:
        raise ApiError(422, "bad_request", 'Expected an object with the key "images" alone.')
    images = document["images"]
    if not isinstance(images, list) or not images:
        raise ApiError(422, "bad_request", 'Expected a list of base64 strings under "images".')
    if len(images) > max_images:
        raise _too_many_images(max_images)
    return [decode_base64(f"images[{index}]", text) for index, text in enumerate(images)]


def _load_json(body: bytes) -> Any:
    def reject_constant(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    def reject_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("an object has the same key twice")
        return dict(pairs)

    try:
        text = body.decode()  # JSON between programs is UTF-8 (RFC 8259, section 8.1)
        return json.loads(text, parse_constant=reject_constant, object_pairs_hook=reject_duplicates)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "bad_json", f"The body is not valid JSON: {error}.") from error


def decode_base64(name: str, text: object) -> UploadedImage | ApiError:
    """Decode an image file; `name` stands for it in the error."""
    if isinstance(text, str) and text and len(text) % 4 == 0:  # b64decode accepts a trailing "A="
        with suppress(ValueError):
            return UploadedImage(None, base64.b64decode(text, validate=True))
    hint = "; leave out the text before the comma" if str(text).startswith("data:") else ""
    return ApiError(422, "bad_base64", f"{name} must be an image file in base64{hint}.")


def _parse_form(body: bytes, boundary: bytes, max_images: int) -> list[UploadedImage | ApiError]:
    if not boundary:
        raise ApiError(400, "bad_form", "The Content-Type of a form must name its boundary.")
    form = _Form(max_images)
    try:
        parser = MultipartParser(
            boundary,
            form.callbacks(),  # type: ignore[arg-type]
            max_header_count=16,
            max_header_size=4_096,
        )
        parser.write(body)
    except FormParserError as error:
        raise ApiError(400, "bad_form", f"The form cannot be read: {error}.") from error
    if parser.state != MultipartState.END:
        raise ApiError(400, "bad_form", "The form ends before its last boundary.")
    if not form.images:
        raise ApiError(422, "no_picture", "The form holds no file; send at least one image.")
    return form.images


class _Form:
    """Receiver of python-multipart's callbacks that collects the parts."""

    def __init__(self, max_images: int) -> None:
        self._max_images = max_images
        self.images: list[UploadedImage | ApiError] = []
        self._headers: dict[bytes, bytes] = {}
        self._field, self._value = bytearray(), bytearray()
        self._content: list[bytes] = []

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._field.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._content.append(data[start:end]),
            "on_part_end": self._end_part,
        }

    def _begin_part(self) -> None:
        if len(self.images) == self._max_images:
            raise _too_many_images(self._max_images)
        self._headers, self._content = {}, []

    def _end_header(self) -> None:
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _end_part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        media_type, _ = parse_options_header(self._headers.get(b"content-type"))
        content, self._content = b"".join(self._content), []
        self.images.append(_parse_part(options, media_type.decode("latin-1").lower(), content))


def _parse_part(
    options: dict[bytes, bytes], media_type: str, content: bytes
) -> UploadedImage | ApiError:
    if b"filename" not in options:
        name = escape_unprintable(options.get(b"name", b"").decode(errors="replace"))
        message = f"The field {name[:MAX_NAME_CHARS]!r} of the form is not a file."
        raise ApiError(422, "no_file", message)
    if media_type.startswith(("image/", "multipart/")) and media_type not in IMAGE_TYPES:
        accepted = ", ".join(IMAGE_TYPES)
        message = f"The type {escape_unprintable(media_type)} is not one of {accepted}."
        return ApiError(415, "unsupported_type", message)
    name = escape_unprintable(options[b"filename"].decode(errors="replace"))[:MAX_NAME_CHARS]
    return UploadedImage(name or None, content)


def _too_many_images(max_images: int) -> ApiError:
    message = f"More than {max_images} images; send them in several requests."
    return ApiError(413, "too_many", message)
