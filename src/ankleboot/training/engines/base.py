"""The compiled training step, one file per backend of Keras.

An engine holds a model and its optimizer and takes many batches per call, with no Python in the
inner loop. Images enter as uint8 and are scaled in the graph. Losses are always the plain
cross-entropy, with neither label smoothing nor penalties, so that training and validation compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import keras
import numpy as np
from jaxtyping import Int32

from ankleboot.core.environment import cpu_flags
from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.core.types import NUM_CLASSES, Features, Images, Labels, batch_size_for
from ankleboot.models import transfer
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.schedules import LearningRates

EVALUATION_BATCH = 250  # images; larger ones leave the processor's caches
BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


@dataclass(frozen=True)
class RunningMetrics:
    """Sums over the images seen so far in an epoch."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0

    @property
    def mean_loss(self) -> float:
        return self.loss / max(self.images, 1)

    @property
    def accuracy(self) -> float:
        return self.correct / max(self.images, 1)

    @property
    def is_finite(self) -> bool:
        return bool(np.isfinite(self.loss))

    def __add__(self, other: "RunningMetrics") -> "RunningMetrics":
        return RunningMetrics(
            self.loss + other.loss, self.correct + other.correct, self.images + other.images
        )


@dataclass(frozen=True)
class Chunk:
    """Some steps' worth of an epoch: images in the order of training, and each step's rate."""

    images: Images | Features
    labels: Labels
    places: Int32[np.ndarray, " n"]  # of the images among all training images
    rates: LearningRates


@runtime_checkable
class Engine(Protocol):
    """A model with its optimizer, trained some steps at a time."""

    model: keras.Model
    compiles_every_length: bool
    """Whether a new number of steps per call costs a compilation: then chunks go whole."""

    def put(self, chunk: Chunk) -> Any:
        """Bring a chunk to the device; safe to call from another thread."""

    def train(self, chunk: Any, first: int, last: int, totals: RunningMetrics) -> RunningMetrics:
        """Take the steps `first` to `last - 1` of what `put` returned; the grown totals.

        Stops behind the first step whose loss is not finite; the totals show it.
        """

    def evaluate(self, images: Images | Features, labels: Labels) -> RunningMetrics:
        """Loss and correct answers over all the images, in inference mode."""

    def features(self, images: Images) -> Features:
        """What the backbone says of images, in inference mode; float32 (n, filters)."""

    def losses(self) -> np.ndarray:
        """Every training image's loss when it was last trained on; 0 before."""

    def state(self) -> dict[str, np.ndarray]:
        """A copy of everything that the next step depends on: weights, optimizer, seeds, losses."""

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Put back what `state` returned.

        Raises:
            ModelError: If it belongs to another network.
        """


def create_engine(
    recipe: Recipe,
    num_images: int,
    num_classes: int = NUM_CLASSES,
    *,
    model: keras.Model | None = None,
    frozen: bool = False,
) -> Engine:
    """The engine for Keras' backend: TensorFlow (processors) or JAX (accelerators).

    Args:
        recipe: What is trained.
        num_images: Training images; their losses are kept where the recipe asks for them.
        num_classes: Of the data.
        model: Another engine's, to go on with; None for a fresh one.
        frozen: Train what is behind the backbone alone: the engine takes features for images.

    Raises:
        EnvironmentFailure: If Keras runs on another backend.
    """
    match keras.backend.backend():
        case "tensorflow":
            from ankleboot.training.engines import tensorflow

            return tensorflow.TensorFlowEngine(
                recipe, num_images, num_classes, model=model, frozen=frozen
            )
        case "jax":
            from ankleboot.training.engines import jax

            return jax.JaxEngine(recipe, num_images, num_classes, model=model, frozen=frozen)
        case other:
            raise EnvironmentFailure(
                f"training needs Keras on TensorFlow or JAX, not on {other}: "
                "unset KERAS_BACKEND or set it to tensorflow"
            )


def trainable_model(model: keras.Model, *, frozen: bool) -> keras.Model:
    """From images, or of a frozen backbone from its features, to logits; weights are shared."""
    if frozen:
        return transfer.head(model)
    return keras.Model(model.input, model.get_layer("logits").output)


def feature_extractor(model: keras.Model) -> keras.Model:
    """From images to the backbone's features."""
    return keras.Model(model.input, model.get_layer(transfer.FEATURES).output)


def evaluation_batch(recipe: Recipe) -> int:
    """Images that are judged at a time."""
    return batch_size_for(EVALUATION_BATCH, recipe.image_spec.image_shape)


def compute_dtype(recipe: Recipe) -> str:
    """The arithmetic that the recipe's precision means on this machine.

    Without instructions for it, bfloat16 is several times slower than float32 on a processor.
    """
    if recipe.precision != "auto":
        return recipe.precision
    fast = BFLOAT16_FLAGS & set(cpu_flags()) or _has_accelerator()
    return "bfloat16" if fast else "float32"


def _has_accelerator() -> bool:
    if keras.backend.backend() != "jax":
        return False
    import jax

    return bool(jax.default_backend() != "cpu")


def check_shapes(expected: Mapping[str, tuple[int, ...]], state: Mapping[str, np.ndarray]) -> None:
    """Raise ModelError unless `state` has exactly the expected names and shapes."""
    if expected != {key: value.shape for key, value in state.items()}:
        raise ModelError("the checkpoint belongs to another network or optimizer")


def is_out_of_memory(error: Exception) -> bool:
    """Whether an exception, of NumPy's or of a backend's, means that memory does not suffice."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "ResourceExhaustedError"  # TensorFlow
        or "RESOURCE_EXHAUSTED" in str(error)  # JAX
    )
