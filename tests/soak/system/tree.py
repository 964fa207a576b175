"""Files below a folder, compared by what they say: dates and durations are left out."""

import csv
import hashlib
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ankleboot.core.files import TEMP_NAME
from ankleboot.core.temporary import NAME as TEMP_FOLDER
from soak.promise import Broken

Tree = dict[str, str]
"""Hash of each file's content, by its path in the folder."""

UNSTABLE_KEYS = re.compile(
    r".*seconds|stages|created|date|time|times|model_sha256|checkpoint_sha256|.*_(ms|us)|sha256|per_second"
)
UNSTABLE = re.compile(
    r".*(\.npz|\.keras|\.html|\.sqlite|labels\.csv|\.onnx|\.tflite|known_images\.npy|test_reads\.json)"
)
PRIVATE = re.compile(
    r"(.*/)?(\.?lock|\..+\.lock|.*-journal|.*-wal|.*-shm)|tmp/.*|state/(.*\.log|examined/.*)|.*tfevents.*"
)


def read_tree(folder: Path) -> Tree:
    """Hash the files below a folder that have a final name."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = ((path, str(path.relative_to(folder))) for path in paths)
    return {name: _digest(path) for path, name in names if not _is_temporary(name)}


def _is_temporary(name: str) -> bool:
    parts = name.split("/")
    return bool(PRIVATE.fullmatch(name)) or any(map(_has_temporary_name, parts))


def _has_temporary_name(name: str) -> bool:
    return bool(TEMP_NAME.fullmatch(name) or TEMP_FOLDER.fullmatch(name))


def verify_swept(folder: Path) -> None:
    """Fail if temporary files are left by commands that have ended.

    Raises:
        Broken: With their names.
    """
    left = [path for path in folder.rglob("*") if _has_temporary_name(path.name)]
    if left := [path for path in left if path.parent != folder / "tmp"]:
        raise Broken(f"left behind: {', '.join(str(path.relative_to(folder)) for path in left)}")


def exact_tree(folder: Path) -> Tree:
    """Hash the bytes of all files below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not _is_temporary(str(path.relative_to(folder)))
    }


def _digest(path: Path) -> str:
    """Hash what a file says.

    Raises:
        Broken: If the file is not whole.
    """
    content = path.read_bytes()
    try:
        told = _told(path, content)
    except Exception as error:
        raise Broken(f"{path.name} is not whole: {error!r}") from error
    return hashlib.sha256(told).hexdigest()


def _told(path: Path, content: bytes) -> bytes:
    """Return the part of a content that two equal commands give alike; check that it is whole."""
    if path.suffix == ".json":
        return json.dumps(_stable(json.loads(content)), sort_keys=True).encode()
    if path.suffix in (".keras", ".npz"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if archive.testzip():
                raise ValueError("wrong checksum")
    elif path.suffix == ".npy":
        np.load(io.BytesIO(content))
    elif path.suffix == ".png":
        Image.open(io.BytesIO(content)).load()
    elif path.suffix == ".html":
        if not content.rstrip().endswith(b"</html>"):
            raise ValueError("no end")
    elif path.suffix == ".csv":
        if not content.endswith(b"\n"):
            raise ValueError("torn line")
        if path.name == "history.csv":
            rows = csv.DictReader(io.StringIO(content.decode()))
            content = repr([sorted((row | {"seconds": ""}).items()) for row in rows]).encode()
    elif not content and path.suffix not in ("", ".sqlite"):  # which is whole with its journal
        raise ValueError("empty")
    return b"" if UNSTABLE.fullmatch(path.name) else content


def _stable(document: Any) -> Any:
    if isinstance(document, dict):
        return {k: _stable(v) for k, v in document.items() if not UNSTABLE_KEYS.fullmatch(k)}
    return [_stable(one) for one in document] if isinstance(document, list) else document
