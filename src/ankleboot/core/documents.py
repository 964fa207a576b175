"""JSON documents, read in one way and checked against a schema.

A schema is a type beside the code that writes the document: a `TypedDict`, whose documents may have
further keys, or a dataclass. `Annotated[float, msgspec.Meta(ge=0)]` bounds a number.
"""

from pathlib import Path
from types import GenericAlias
from typing import Any, TypeVar

from ankleboot.core.errors import AnklebootError, ModelError
from ankleboot.core.files import read_bytes

Schema = TypeVar("Schema")

MAX_BYTES = 200 * 2**20  # of a document; predictions of a million images have 100 MB


def parse_document(
    text: bytes | str, schema: type[Schema] | GenericAlias, *, newest_format: int | None = None
) -> Schema:
    """Parse a JSON document.

    Numbers are finite, and integers have at most 64 bits.

    Args:
        text: JSON.
        schema: Type of the document.
        newest_format: Largest value of the document's key "format", its version.

    Raises:
        ValueError: If the text is no JSON or does not fit; the message names the place.
    """
    import msgspec

    try:
        document: Any = msgspec.json.decode(text)
        if newest_format is not None and isinstance(document, dict):
            _check_format(document.get("format"), newest_format)
        converted = msgspec.convert(document, schema)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return document if isinstance(converted, dict) else converted  # with its further keys


def _check_format(number: object, newest: int) -> None:
    if isinstance(number, int) and number > newest:
        raise ValueError(
            f"format {number}, written by a newer Ankleboot; this one reads up to {newest}"
        )


def read_document(
    path: Path,
    schema: type[Schema] | GenericAlias,
    *,
    newest_format: int | None = None,
    missing: AnklebootError | None = None,
    error: type[AnklebootError] = ModelError,
) -> Schema:
    """Read a JSON document from a file.

    Args:
        path: Path to the file.
        schema: Type of the document.
        newest_format: As for `parse_document`.
        missing: Error to raise if there is no such file.
        error: Type of the error to raise for a damaged document.

    Raises:
        AnklebootError: `missing` or `error`, see above.
        EnvironmentFailure: If the file cannot be read.
    """
    content = read_bytes(path, missing=missing, max_bytes=MAX_BYTES)
    try:
        return parse_document(content, schema, newest_format=newest_format)
    except ValueError as problem:
        raise error(f"{path}: cannot be used ({problem})") from problem
