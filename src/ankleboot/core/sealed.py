"""Derived documents: JSON that can be made again, and is believed only as it was written.

A sealed file holds the hash of its document, so that damage is seen before the JSON is parsed.
"""

import json
import logging
from pathlib import Path
from typing import Any

from ankleboot.core.files import atomic_write, sha256_of
from ankleboot.core.text import escape_unprintable

LOG = logging.getLogger(__name__)  # without a configuration, Python prints warnings on stderr
HEAD, TAIL = '{{"sha256": "{}", "document": ', "}\n"


class DamagedError(ValueError):
    """Derived data that is not what was written."""


def write_sealed(path: Path, document: Any) -> None:
    """Write a JSON document with its hash.

    Raises:
        EnvironmentFailure: If that is not possible.
    """
    text = json.dumps(document)
    atomic_write(path, (HEAD.format(sha256_of(text.encode())) + text + TAIL).encode())


def read_sealed(path: Path) -> Any:
    """Read a document of `write_sealed`; None if there is no such file.

    Raises:
        DamagedError: If it was changed since, or cannot be read; it is to be made again.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedError(f"cannot be read ({error.strerror or error})") from error
    start = len(HEAD.format(64 * "0"))
    text = content[start : -len(TAIL)]
    if content != (HEAD.format(sha256_of(text)).encode() + text + TAIL.encode()):
        raise DamagedError("has another hash than it was written with")
    return json.loads(text)


def warn_of_damage(path: Path, error: DamagedError) -> None:
    """Say that a file is made again."""
    LOG.warning("%s %s; it is made again", escape_unprintable(str(path)), error)
