"""Process that loads a stranger's model file first: `python -m ankleboot.inference.trial PATH`.

It scans the file, loads it and predicts a few images, with limits of memory and processor time,
without network and further processes. The result is a JSON object on stdout.
"""

import errno
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import AnklebootError, EnvironmentFailure, ModelError, first_line
from ankleboot.core.files import total_bytes
from ankleboot.core.silence import import_keras, import_openvino, silenced
from ankleboot.core.subprocesses import (
    Limits,
    limit_more_memory,
    peak_mib,
    refused_events,
    resident_mib,
)
from ankleboot.core.tensorflow_settings import use_backend
from ankleboot.inference.keras import metadata_of
from ankleboot.inference.load import load_path
from ankleboot.inference.predictor import Predictor
from ankleboot.models.files.checksums import format_of_folder
from ankleboot.models.foreign.scan import KIND_OF_SUFFIX, input_shape, scan
from ankleboot.models.foreign.scanners.limits import scan_memory

LIMITS = Limits(memory_bytes=16 * 2**30, cpu_s=150, wall_s=600.0)
SUM_TOLERANCE = 0.1  # of probabilities, which integers of 8 bits round
NUM_NOISE_IMAGES = 2
BYTES_BY_STORED_BYTE = 8  # of memory, beside that of the runtime


@dataclass
class Figures:
    """Cost without the imports: seconds of processor time, and memory above that before."""

    seconds: float = 0.0
    mib: float = 0.0

    def add(self, work: Callable[[], Any]) -> Any:
        """Do a part of the work and count its cost."""
        start, base = time.process_time(), resident_mib()
        try:
            return work()
        finally:
            self.seconds += time.process_time() - start
            self.mib = max(self.mib, (peak_mib() or 0) - base)


def main() -> None:
    """Examine the file that the first argument names, and print the result."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a worker of the server ignores it
    LIMITS.restrict_this_process()
    use_backend("tensorflow")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    path, figures = Path(sys.argv[1]), Figures()
    result: dict[str, Any] = {}
    try:
        examine(path, figures)
    except AnklebootError as error:
        result = {"error": str(error), "exit_code": error.exit_code}
    except ModuleNotFoundError as error:
        result = {"missing": error.name}
    except Exception as error:  # of a runtime, for a hostile file or for lack of a resource
        is_system = isinstance(error, OSError) and error.errno not in (None, 0, errno.EINVAL)
        code = EnvironmentFailure.exit_code if is_system else ModelError.exit_code
        result = {"error": f"{path}: cannot be run ({first_line(error)})", "exit_code": code}
    cost = {"seconds": figures.seconds, "mib": figures.mib, "refused": refused_events}
    print(json.dumps(result | cost))


def examine(path: Path, figures: Figures) -> None:
    """Scan a file, load it, and predict a few images.

    Raises:
        ModelError: If any of it fails, or the outputs are no probabilities.
    """
    kind = KIND_OF_SUFFIX.get(path.suffix) or format_of_folder(path)
    limit_more_memory(scan_memory(path))
    scanned = figures.add(lambda: scan(path, "folder" if path.is_dir() else kind))
    if kind == "keras":
        _check_input(path)
    limit_more_memory(LIMITS.memory_bytes)  # for the imports
    more = _import_runtime(kind)
    refused_events.clear()  # those of the imports, which look for devices and IPv6
    limit_more_memory(more + BYTES_BY_STORED_BYTE * total_bytes(path))
    figures.add(lambda: _load_and_predict(path, kind, scanned))


def _check_input(path: Path) -> None:
    """Compare the input that a scanned `.keras` file states with its metadata."""
    expected = metadata_of(path).image_spec.input_shape
    shape = input_shape(path, "keras")
    if shape is not None and shape != expected:
        raise ModelError(
            f"{path}: expected input {(expected, 'float32')}, got {(shape, 'float32')}"
        )


def _import_runtime(kind: str) -> int:
    """Import the runtime of a kind; return the bytes that it needs beside those of a model."""
    if kind in ("keras", "saved-model"):
        import_keras()
        import tensorflow as tf

        tf.constant(0.0) + tf.constant(0.0)  # starts its threads
        return 4 * 2**30
    if kind == "openvino":
        import_openvino()
        import openvino

        openvino.Core()
        return 4 * 2**30
    name = {"tflite": "ai_edge_litert.interpreter", "onnx": "onnxruntime"}.get(kind)
    with silenced(show_failures=False):
        importlib.import_module(name or "ai_edge_litert.interpreter")
    return 400 * 2**20


def _load_and_predict(path: Path, kind: str, scanned: Any) -> None:
    from ankleboot.models.foreign import budget, saved_model

    if kind == "saved-model":
        saved_model.check_graph(path)
    is_keras = kind == "keras"
    with budget.at_most_weights(scanned.num_values) if is_keras else nullcontext():
        predictor: Predictor = load_path(path, 1)
    if is_keras:
        budget.check_feature_maps(predictor.model)  # type: ignore[attr-defined]
    shape = predictor.info.image_spec.image_shape
    noise = np.random.default_rng(0).integers(0, 256, (NUM_NOISE_IMAGES, *shape), np.uint8)
    images = np.concatenate([np.zeros((1, *shape), np.uint8), noise])
    probs = predictor.predict(images)
    if not np.abs(probs.sum(axis=1) - 1).max() <= SUM_TOLERANCE:
        raise ModelError(f"{path}: its outputs are not probabilities")


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
