"""Scan of the two file types of Keras: names, sizes, checksums, configuration and weights."""

import io
import json
import math
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.files import DAMAGED_ZIP
from ankleboot.models.files.checksums import check_directory, read_model
from ankleboot.models.foreign.layers import check_config
from ankleboot.models.foreign.scanners.limits import (
    MAX_BYTES,
    MAX_CONFIG_BYTES,
    check_packing,
)

MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
MAX_ITEMS = 20_000  # groups and arrays; the largest of keras.applications has about 4,000
MAX_GROUP_DEPTH = 50
FILTERS = {1, 2, 3}  # of HDF5: gzip, shuffle and a checksum; others are loaded from libraries
READ_BYTES = 16 * 2**20  # at a time, in the search for values that are not finite


@dataclass
class Weights:
    """Sizes that the arrays of an HDF5 file declare.

    Attributes:
        num_items: Groups and arrays, counted at every way to them.
        num_values: Numbers in all arrays.
        declared: Bytes of all arrays.
        axes: Lengths of their axes.
    """

    num_items: int = 0
    num_values: int = 0
    declared: int = 0
    axes: set[int] = field(default_factory=set)


def scan_keras(path: Path) -> Weights:
    """Scan a zip archive of Keras 3."""
    content = read_model(path, MAX_BYTES)
    check_directory(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive.infolist(), len(content))
            parts = {name: archive.read(name) for name in archive.namelist()}
    except ModelError:
        raise
    except DAMAGED_ZIP as error:
        raise ModelError(f"incomplete or damaged model file ({error})") from error
    weights = _scan_weights(io.BytesIO(parts["model.weights.h5"]), len(content))
    check_config(parse_config(parts["config.json"]), weights.num_values, weights.axes)
    return weights


def _check_members(members: list[zipfile.ZipInfo], stored: int) -> None:
    names = [member.filename for member in members]
    if unknown := sorted({name for name in names if name not in MEMBERS}):
        raise ModelError(f"holds {unknown[0]!r}, which no image classifier of Keras has")
    if len(set(names)) < len(names) or any(
        stat.S_ISLNK(member.external_attr >> 16) for member in members
    ):
        raise ModelError("holds a file twice, or a link")
    if missing := sorted(MEMBERS - {"metadata.json"} - set(names)):
        raise ModelError(f"no model of Keras 3 ({missing[0]} is missing)")
    for member in members:
        if member.filename != "model.weights.h5" and member.file_size > MAX_CONFIG_BYTES:
            raise ModelError(f"{member.filename} declares {member.file_size:,} bytes")
    check_packing(sum(member.file_size for member in members), stored, "its members")


def scan_h5(path: Path) -> Weights:
    """Scan an HDF5 file of older Keras."""
    with _opened(path) as file:
        weights = _check(file, path.stat().st_size)
        config = file.attrs.get("model_config")
    if config is None:
        raise ModelError(
            "holds weights alone, without the network; save the whole model with "
            "model.save('model.keras')"
        )
    check_config(parse_config(config), weights.num_values, weights.axes)
    return weights


def parse_config(text: str | bytes) -> dict[str, Any]:
    """Parse the configuration of a model; Keras writes numbers that are not finite too."""
    try:
        if len(text) > MAX_CONFIG_BYTES:
            raise ModelError(f"its configuration has {len(text):,} bytes")
        document = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelError("its configuration is damaged") from error
    if not isinstance(document, dict):
        raise ModelError("its configuration is damaged")
    return document


def _scan_weights(content: io.BytesIO, stored: int) -> Weights:
    with _opened(content) as file:
        return _check(file, stored)


def _opened(source: Path | io.BytesIO) -> Any:
    import h5py

    try:
        return h5py.File(source, "r")
    except Exception as error:  # many types, for a damaged file
        raise ModelError("incomplete or damaged weights (no HDF5 file)") from error


def _check(file: Any, stored: int) -> Weights:
    """Refuse links, arrays that declare too much, and values that are not finite."""
    weights = Weights()
    try:
        _check_group(file, weights, depth=0)
        check_packing(weights.declared, stored, "its weights")
        _check_finite(file)
    except ModelError:
        raise
    except Exception as error:  # of the HDF5 library, for a damaged file
        raise ModelError("incomplete or damaged weights (no HDF5 file)") from error
    return weights


def _check_group(group: Any, weights: Weights, *, depth: int) -> None:
    import h5py

    if depth > MAX_GROUP_DEPTH:
        raise ModelError("its weights are nested too deeply")
    for name in group:
        weights.num_items += 1
        if weights.num_items > MAX_ITEMS:
            raise ModelError(f"holds more than {MAX_ITEMS:,} arrays")
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ModelError(f"its weights {name!r} are a link to another place")
        item = group[name]
        if isinstance(item, h5py.Group):
            _check_group(item, weights, depth=depth + 1)
        elif isinstance(item, h5py.Dataset):
            _check_dataset(name, item, weights)
        else:
            raise ModelError(f"its weights {name!r} are no array")


def _check_dataset(name: str, dataset: Any, weights: Weights) -> None:
    if dataset.is_virtual or dataset.external:
        raise ModelError(f"its weights {name!r} are in another file")
    if dataset.dtype.kind not in "fiub":
        raise ModelError(f"its weights {name!r} are no numbers")
    created = dataset.id.get_create_plist()
    filters = {created.get_filter(index)[0] for index in range(created.get_nfilters())}
    if not filters <= FILTERS:
        raise ModelError(f"its weights {name!r} are packed by an unknown filter")
    itemsize = dataset.dtype.itemsize
    declared = dataset.size * itemsize
    chunk = math.prod(dataset.chunks or (0,)) * itemsize  # HDF5 unpacks a whole one
    check_packing(max(declared, chunk), dataset.id.get_storage_size(), f"its weights {name!r}")
    weights.num_values += int(dataset.size)
    weights.declared += declared
    weights.axes.update(dataset.shape)


def _check_finite(group: Any) -> None:
    import h5py

    for name in group:
        item = group[name]
        if isinstance(item, h5py.Group):
            _check_finite(item)
        elif item.dtype.kind == "f" and not _is_finite(item):
            raise ModelError(f"its weights {name!r} are not finite")


def _is_finite(dataset: Any) -> bool:
    """Look at an array, some rows at a time."""
    if not dataset.shape:
        return bool(np.isfinite(dataset[()]))
    row_bytes = max(1, dataset.size // max(1, len(dataset)) * dataset.dtype.itemsize)
    step = max(1, READ_BYTES // row_bytes)
    return all(
        bool(np.isfinite(dataset[start : start + step]).all())
        for start in range(0, len(dataset), step)
    )


def read_config(path: Path, kind: str) -> dict[str, Any] | None:
    """Read the configuration of a scanned Keras file; None for a file of another kind."""
    if kind == "keras":
        with zipfile.ZipFile(path) as archive:
            return parse_config(archive.read("config.json"))
    if kind == "h5":
        with _opened(path) as file:
            return parse_config(file.attrs["model_config"])
    return None
