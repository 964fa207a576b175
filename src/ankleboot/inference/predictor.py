"""The interface of every runtime: images in, calibrated probabilities out."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import numpy as np

from ankleboot.core.errors import AnklebootError, ModelError, first_line
from ankleboot.core.progress import report_progress
from ankleboot.core.types import Images, Probs, batch_size_for
from ankleboot.models.files.metadata import ModelMetadata

TOLERANCE = 1e-3  # of probabilities; integers of 8 bits round to 1/256 below 1

Tensor = tuple[Sequence[int], object]
"""Shape without the batch axis, and type, of an input or output."""


@runtime_checkable
class Predictor(Protocol):
    """A model on any runtime; several threads may share it.

    Attributes:
        name: Path to the model, or its name.
        info: Metadata of the model: labels, image spec, abstention threshold.
    """

    name: str
    info: ModelMetadata

    def predict(self, images: Images) -> Probs:
        """Return one row of probabilities per image, in order."""


class BatchPredictor:
    """Base of predictors that take up to `batch_size` images at a time, fewer large ones."""

    name: str
    info: ModelMetadata
    batch_size = 64  # larger batches gain nothing on ONNX Runtime

    def predict(self, images: Images) -> Probs:
        """Predict in batches.

        Raises:
            ModelError: If the outputs are no probabilities.
        """
        probs = np.zeros((len(images), len(self.info.labels)), np.float32)
        size = batch_size_for(self.batch_size, images.shape[1:])
        for start in range(0, len(images), size):
            probs[start : start + size] = self._predict_batch(images[start : start + size])
            report_progress("images", min(start + size, len(images)), len(images))
        check_probs(self.name, probs)
        return probs

    def _predict_batch(self, images: Images) -> Probs:
        raise NotImplementedError


def check_probs(name: str, probs: Probs) -> None:
    """Refuse outputs that are no probabilities: negative, above 1, or not numbers.

    Raises:
        ModelError: If there are such.
    """
    if not ((probs >= -TOLERANCE) & (probs <= 1 + TOLERANCE)).all():
        raise ModelError(f"{name}: its outputs are not probabilities")


@contextmanager
def errors_of(runtime: str, path: object) -> Iterator[None]:
    """Turn the errors of a runtime, which raises many types for a hostile file, into one.

    Raises:
        ModelError: If one occurs.
    """
    try:
        yield
    except (AnklebootError, ImportError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # no free descriptor, say: not the file's
            raise
        raise ModelError(f"{path}: {runtime} cannot run it ({first_line(error)})") from error


def check_tensors(
    path: object,
    info: ModelMetadata,
    inputs: Iterable[Tensor],
    outputs: Iterable[Tensor],
    input_: Tensor | None = None,
) -> None:
    """Check that a model takes stored images, or another input, and returns probabilities.

    Raises:
        ModelError: If a shape or type differs; the message has the expected and the actual ones.
    """
    actual = [[(tuple(shape), str(dtype)) for shape, dtype in part] for part in (inputs, outputs)]
    if [len(part) for part in actual] != [1, 1]:
        raise ModelError(f"{path}: expected one input and one output")
    got = [tensor for (tensor,) in actual]
    expected = [input_ or (info.image_spec.image_shape, "uint8"), ((len(info.labels),), "float32")]
    if got != expected:
        raise ModelError(
            f"{path}: expected input {expected[0]} and output {expected[1]}, "
            f"got {got[0]} and {got[1]}"
        )
