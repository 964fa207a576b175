"""Scan of a foreign model file before anything loads it.

A model file can be a program: a Lambda layer, a class of another module, a link to another file, an
array that declares more bytes than the machine has. The scan reads names, sizes and the
configuration, and refuses everything that is not on a list of what image classifiers need.
"""

import io
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ankleboot.core.errors import ModelError
from ankleboot.core.files import DAMAGED_ZIP
from ankleboot.models.files.checksums import MAX_MODEL_BYTES
from ankleboot.models.files.metadata import parse_object
from ankleboot.models.foreign.layers import check_config

MAX_BYTES = 2**30  # of a file, and of the arrays it declares; VGG16 has 0.6 GB
MAX_CONFIG_BYTES = 10 * 2**20
MAX_PACKING = 20  # declared bytes by stored byte; weights pack to about 0.9
SMALL_BYTES = 50 * 2**20  # that may be packed more
KERAS_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
MAX_FOLDER_FILES = 100
EXTERNAL_DATA = b"\x0a\x08location"
"""Key "location" of a string entry: an ONNX tensor whose values are in another file."""


def scan(path: Path, kind: str) -> None:
    """Scan a model file or folder.

    Raises:
        ModelError: If it is damaged, too large, or asks for anything that is not allowed.
    """
    scanners: Mapping[str, Callable[[Path], None]] = {
        "keras": scan_keras,
        "h5": scan_h5,
        "saved-model": _scan_folder,
        "tflite": _scan_tflite,
        "onnx": _scan_onnx,
    }
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise ModelError(f"larger than the allowed {MAX_BYTES >> 20} MiB")
        scanners[kind](path)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except (OSError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read ({error})") from error


def scan_keras(path: Path) -> None:
    """Scan a zip archive of Keras 3: names, sizes, checksums, configuration and weights."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive.infolist())
            if damaged := archive.testzip():
                raise ModelError(f"damaged model file ({damaged} fails its checksum)")
            config, weights = archive.read("config.json"), archive.read("model.weights.h5")
    except ModelError:
        raise
    except DAMAGED_ZIP as error:
        raise ModelError(f"incomplete or damaged model file ({error})") from error
    with _opened(io.BytesIO(weights)) as file:
        num_values = _check_group(file)
    check_config(_parse_config(config), num_values)


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    if unknown := sorted({name for name in names if name not in KERAS_MEMBERS}):
        raise ModelError(f"holds {unknown[0]!r}, which no image classifier of Keras has")
    if len(set(names)) < len(names) or any(
        stat.S_ISLNK(member.external_attr >> 16) for member in members
    ):
        raise ModelError("holds a file twice, or a link")
    if missing := sorted(KERAS_MEMBERS - {"metadata.json"} - set(names)):
        raise ModelError(f"no model of Keras 3 ({missing[0]} is missing)")
    for member in members:
        limit = MAX_BYTES if member.filename == "model.weights.h5" else MAX_CONFIG_BYTES
        is_bomb = member.file_size > max(SMALL_BYTES, MAX_PACKING * member.compress_size)
        if member.file_size > limit or is_bomb:
            raise ModelError(f"{member.filename} declares {member.file_size:,} bytes")


def scan_h5(path: Path) -> None:
    """Scan an HDF5 file of older Keras: links, sizes and configuration."""
    with _opened(path) as file:
        num_values = _check_group(file)
        config = file.attrs.get("model_config")
    if config is None:
        raise ModelError(
            "holds weights alone, without the network; save the whole model with "
            "model.save('model.keras')"
        )
    text = config if isinstance(config, str) else bytes(config)
    if len(text) > MAX_CONFIG_BYTES:
        raise ModelError(f"its configuration has {len(text):,} bytes")
    check_config(_parse_config(text), num_values)


def _parse_config(text: str | bytes) -> dict[str, Any]:
    try:
        return parse_object(text)
    except (ValueError, RecursionError) as error:
        raise ModelError("its configuration is damaged") from error


def _opened(source: Path | io.BytesIO) -> Any:
    import h5py

    try:
        return h5py.File(source, "r")
    except OSError as error:
        raise ModelError("incomplete or damaged weights (no HDF5 file)") from error


def _check_group(group: Any, *, depth: int = 0) -> int:
    """Return the number of values below a group; refuse links, and arrays that declare too much."""
    import h5py

    if depth > 50:
        raise ModelError("its weights are nested too deeply")
    total = 0
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ModelError(f"its weights {name!r} are a link to another place")
        item = group[name]
        if isinstance(item, h5py.Group):
            total += _check_group(item, depth=depth + 1)
        elif isinstance(item, h5py.Dataset):
            total += _check_dataset(name, item)
        else:
            raise ModelError(f"its weights {name!r} are no array")
        if total > MAX_BYTES:
            raise ModelError(f"declares more than {MAX_BYTES:,} weights")
    return total


def _check_dataset(name: str, dataset: Any) -> int:
    if dataset.is_virtual or dataset.external:
        raise ModelError(f"its weights {name!r} are in another file")
    if dataset.dtype.kind not in "fiub":
        raise ModelError(f"its weights {name!r} are no numbers")
    declared, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if declared > MAX_BYTES or declared > max(SMALL_BYTES, MAX_PACKING * stored):
        raise ModelError(f"its weights {name!r} declare {declared:,} bytes and hold {stored:,}")
    return int(dataset.size)


def _scan_folder(path: Path) -> None:
    """Scan the files of a SavedModel; its graph is checked by `saved_model.py`."""
    files = list(path.rglob("*"))
    if len(files) > MAX_FOLDER_FILES:
        raise ModelError(f"holds {len(files)} files; a SavedModel has a few")
    if links := [file for file in files if file.is_symlink()]:
        raise ModelError(f"{links[0].name} is a link")
    if sum(file.stat().st_size for file in files if file.is_file()) > MAX_BYTES:
        raise ModelError(f"larger than the allowed {MAX_BYTES >> 20} MiB")


def _small(path: Path) -> Path:
    if path.stat().st_size > MAX_MODEL_BYTES:
        raise ModelError(f"larger than the allowed {MAX_MODEL_BYTES >> 20} MiB")
    return path


def _scan_tflite(path: Path) -> None:
    with _small(path).open("rb") as file:
        if file.read(8)[4:] != b"TFL3":
            raise ModelError("no .tflite file (it does not start with TFL3)")


def _scan_onnx(path: Path) -> None:
    content = _small(path).read_bytes()
    if EXTERNAL_DATA in content:
        raise ModelError("stores weights in other files; save it with the weights inside")


def input_shape(path: Path, kind: str) -> tuple[int, ...] | None:
    """Read the input shape from the configuration of a scanned Keras file, without the batch axis.

    Sizes that are open are 0; None if the file is of another kind, or does not state the shape.
    """
    if kind == "keras":
        with zipfile.ZipFile(path) as archive:
            config = _parse_config(archive.read("config.json"))
    elif kind == "h5":
        with _opened(path) as file:
            config = _parse_config(file.attrs["model_config"])
    else:
        return None
    while isinstance(config, dict) and isinstance(config.get("config"), dict):
        arguments = config["config"]
        for key in ("batch_shape", "batch_input_shape"):
            shape = arguments.get(key)
            if isinstance(shape, list) and all(isinstance(n, int | None) for n in shape):
                return tuple(size or 0 for size in shape[1:])
        layers = arguments.get("layers")
        config = layers[0] if isinstance(layers, list) and layers else {}
    return None
