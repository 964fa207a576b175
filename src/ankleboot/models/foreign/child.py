"""Process that opens foreign model files: `python -m ankleboot.models.foreign.child JOB`.

JOB is a JSON file; the result is a JSON object on stdout. The process has limits of memory and
time, no network and no further processes, so a hostile file harms it alone. It imports TensorFlow
after the scan, and only for what needs it.
"""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import AnklebootError, ModelError, UsageError
from ankleboot.core.subprocesses import Limits, limit_more_memory
from ankleboot.core.tensorflow_settings import use_backend
from ankleboot.core.types import to_inputs
from ankleboot.models.foreign import scan
from ankleboot.models.foreign.candidates import Signature, candidates
from ankleboot.models.foreign.convention import Convention
from ankleboot.models.foreign.decision import find_convention
from ankleboot.models.foreign.examine import Trial, output_kind
from ankleboot.models.foreign.runtimes import ForeignModel, load, predict_function
from ankleboot.models.foreign.scalings import Pixels
from ankleboot.models.foreign.scanners.limits import scan_memory

LIMITS = Limits(memory_bytes=12 * 2**30, cpu_s=900, wall_s=600.0)
MAX_DIFFERENCE = 2e-3  # between probabilities of the rebuilt model and of the original
MIN_AGREEMENT = 0.998  # of labels; equal confidences may fall either way
HALF_DIFFERENCE, HALF_AGREEMENT = 0.05, 0.99  # of models that compute with 16 bits
NUM_NOISE_IMAGES = 64


def main() -> None:
    """Run the job that the first argument names, and print its result."""
    LIMITS.restrict_this_process()
    use_backend("tensorflow")
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # drivers reserve more address space than allowed
    job: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    try:
        result = _inspect(job) if job["task"] == "inspect" else _convert(job)
    except AnklebootError as error:
        result = {"error": str(error), "exit_code": error.exit_code}
    except MemoryError:
        result = {"error": f"{job['path']}: needs more memory than allowed", "exit_code": 4}
    print(json.dumps(result))


def _inspect(job: dict[str, Any]) -> dict[str, Any]:
    """Scan a file, convert a SavedModel, and return the shape of the input if no loading tells."""
    path, kind = Path(job["path"]), job["kind"]
    limit_more_memory(scan_memory(path))
    scan.scan(path, kind)
    limit_more_memory(LIMITS.memory_bytes)
    if kind == "saved-model":
        from ankleboot.models.foreign import saved_model

        saved_model.check_graph(path)
        saved_model.convert(path, Path(job["target"]))
        path, kind = Path(job["target"]), "tflite"
    shape = scan.input_shape(path, kind) or load(path, kind).signature.input_shape
    return {"path": str(path), "kind": kind, "input_shape": shape}


def _convert(job: dict[str, Any]) -> dict[str, Any]:
    """Find the convention of a scanned model, and write the model in ours."""
    path = Path(job["path"])
    model = load(path, job["kind"])
    signature = model.signature
    arrays = np.load(job["arrays"], allow_pickle=False)
    images, labels = arrays["images"], arrays["labels"]
    num_classes = 2 if signature.num_outputs == 1 else signature.num_outputs
    if num_classes != job["num_classes"]:
        from_one = (
            " (with labels from 1 on, output 0 means nothing: leave it out of the model)"
            if num_classes == job["num_classes"] + 1
            else ""
        )
        raise UsageError(
            f"{path}: the model has {signature.num_outputs} outputs, but there are "
            f"{job['num_classes']} classes{from_one}; name the data it learned with --data, or all "
            "of its labels with --labels"
        )
    pixels = job["pixels"] and Pixels(*map(tuple, job["pixels"]))
    conventions = candidates(signature, images.shape[1], job["choice"], pixels)
    order = tuple(job["order"]) if job["order"] is not None else None
    trials: list[Trial] = []
    accuracy = None
    if len(labels):
        chosen, trials = find_convention(
            model.predict,
            signature,
            conventions,
            images,
            labels,
            order,
            num_first=job["num_first"],
            is_named=job["choice"] != "auto" and order is not None,
        )
        convention, accuracy = chosen.convention, chosen.best
    else:
        convention = _without_labels(model, conventions, images, order)
    if model.keras is not None:
        _write(model, convention, images[: job["num_first"]], Path(job["target"]))
    return {
        "signature": _described(signature),
        "convention": convention.to_json(),
        "num_tried": len(conventions),
        "trials": [trial.to_json() for trial in trials],
        "accuracy": accuracy,
        "num_images": len(chosen.losses) if trials else 0,
    }


def _without_labels(
    model: ForeignModel,
    conventions: list[Convention],
    images: np.ndarray,
    order: tuple[int, ...] | None,
) -> Convention:
    """Return the only candidate, with the outputs that it gives for images of noise."""
    if len(conventions) > 1 or order is None:
        raise UsageError("without labeled images, name --input and --labels, or --data")
    (convention,) = conventions
    outputs = model.predict(convention.inputs(images))
    kind = output_kind(outputs, model.signature.outputs)
    return Convention(**(vars(convention) | {"outputs": kind, "order": order}))


def _described(signature: Signature) -> dict[str, Any]:
    return vars(signature)


def _write(model: ForeignModel, convention: Convention, images: np.ndarray, target: Path) -> None:
    """Write the rebuilt Keras model after comparing it with the original."""
    from ankleboot.models.foreign.rebuild import computes_in_half, rebuild

    rebuilt = rebuild(model.keras, convention, images.shape[1:])
    expected = convention.probs(model.predict(convention.inputs(images)))
    actual = predict_function(rebuilt)(to_inputs(images))
    difference = float(np.abs(actual - expected).max())
    agreement = float((actual.argmax(axis=1) == expected.argmax(axis=1)).mean())
    is_half = computes_in_half(model.keras)
    most, least = (HALF_DIFFERENCE, HALF_AGREEMENT) if is_half else (MAX_DIFFERENCE, MIN_AGREEMENT)
    if not difference <= most or agreement < least:
        raise ModelError(
            f"the rebuilt model differs from the original by up to {difference:.2g}; it cannot be "
            "adopted"
        )
    rebuilt.save(target)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
