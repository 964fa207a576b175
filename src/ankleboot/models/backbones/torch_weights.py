"""Reader of PyTorch weight files from before version 1.6, without PyTorch.

Such a file is a sequence of pickles followed by raw numbers. A pickle may name any function to
call. This reader replaces the five functions of weight files by its own and refuses all others.

Source: torch/serialization.py, `_legacy_load` and `_legacy_save`.
"""

import io
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.files import read_bytes

MAGIC = 0x1950A86A20F9469CFC6C
MAX_BYTES = 2**30


class _Storage(NamedTuple):
    key: str
    dtype: np.dtype


class _View(NamedTuple):
    """Tensor whose numbers have not been read."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def _view(storage: _Storage, offset: int, shape: Any, stride: Any, *_: Any) -> _View:
    return _View(storage, int(offset), tuple(shape), tuple(stride))


FUNCTIONS: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "torch._utils._rebuild_tensor_v2": _view,
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.HalfStorage": np.dtype("<f2"),
    "torch.LongStorage": np.dtype("<i8"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (function := FUNCTIONS.get(f"{module}.{name}")) is None:
            raise pickle.UnpicklingError(f"it calls {module}.{name}")
        return function

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key = pid[:3]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError("an unknown kind of storage")
        return _Storage(str(key), dtype)


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Read a `state_dict`.

    Raises:
        ModelError: If the file is missing, of another format or damaged, or calls other functions.
        EnvironmentFailure: If it cannot be read.
    """
    missing = ModelError(f"{path}: no such weights file")
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise ModelError(f"{path}: larger than the allowed {MAX_BYTES >> 20} MiB")
    content = read_bytes(path, missing=missing)
    try:
        return _parse(io.BytesIO(content))
    except Exception as error:  # a pickle may raise any
        raise ModelError(f"{path}: refused as weights ({first_line(error)})") from error


def _parse(file: io.BytesIO) -> dict[str, np.ndarray]:
    if _Unpickler(file).load() != MAGIC:
        raise ValueError("expected a PyTorch file from before version 1.6")
    _Unpickler(file).load()  # format version
    _Unpickler(file).load()  # sizes of C types on the machine that wrote it
    views = _Unpickler(file).load()
    keys = _Unpickler(file).load()
    dtypes = {view.storage.key: view.storage.dtype for view in views.values()}
    numbers = {key: _numbers(file, dtypes[key]) for key in keys}
    return {name: _array(view, numbers[view.storage.key]) for name, view in views.items()}


def _numbers(file: io.BytesIO, dtype: np.dtype) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little")
    raw = file.read(count * dtype.itemsize)
    if len(raw) != count * dtype.itemsize:
        raise ValueError("the file is truncated")
    return np.frombuffer(raw, dtype)


def _array(view: _View, numbers: np.ndarray) -> np.ndarray:
    """Copy a tensor out of the numbers after checking that it lies within them."""
    if len(view.stride) != len(view.shape) or min((view.offset, *view.shape, *view.stride)) < 0:
        raise ValueError("a tensor has an invalid shape")
    steps = zip(view.shape, view.stride, strict=True)
    last = view.offset + sum((size - 1) * step for size, step in steps)
    if 0 not in view.shape and last >= len(numbers):
        raise ValueError("a tensor exceeds its storage")
    strides = [step * numbers.itemsize for step in view.stride]
    start = numbers[view.offset :]
    return np.lib.stride_tricks.as_strided(start, view.shape, strides, writeable=False).copy()
