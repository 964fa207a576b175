"""Base class of the engines: a model with its optimizer, trained many steps per call.

No Python runs between two steps of a call. Images enter as uint8, and the compiled step scales
them. Losses are the plain cross-entropy, without label smoothing and penalties, so that training
and validation compare.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from jaxtyping import Float32, Int32
from keras import ops

from ankleboot.core.environment import cpu_flags
from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.core.types import (
    NUM_CLASSES,
    Features,
    Images,
    Labels,
    Losses,
    OneHot,
    batch_size_for,
    one_hot,
)
from ankleboot.models import transfer
from ankleboot.models.architectures import build_model
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.loss import ClassWeights, Objective
from ankleboot.training.optimizers.build import build_optimizer
from ankleboot.training.schedules import LearningRates
from ankleboot.training.weight_average import WeightAverage

EVALUATION_BATCH = 250  # images; larger batches leave the caches of the processor


@dataclass(frozen=True)
class RunningMetrics:
    """Sums of loss and correct predictions over a number of images."""

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
    """Inputs of some steps of an epoch, in the order of training."""

    images: Images | Features  # the features of a frozen backbone
    labels: Labels  # of mixed images: those with the larger share
    positions: Int32[np.ndarray, " n"]  # among all training images
    learning_rates: LearningRates  # of each step
    targets: OneHot | None = None  # shares of the classes in mixed images; None for the labels
    teacher: OneHot | None = None  # softened predictions of a teacher; None without one


class Engine(ABC):
    """A model with its optimizer; a subclass compiles the steps for one backend of Keras."""

    compiles_every_length: ClassVar[bool]
    """True if a new number of steps per call costs a compilation; chunks stay whole then."""
    has_fused_layers: ClassVar[bool]
    """True if the backend has the layers of `ComputePolicy.fused`."""

    def __init__(
        self,
        recipe: Recipe,
        num_images: int,
        num_classes: int = NUM_CLASSES,
        *,
        model: keras.Model | None = None,
        frozen: bool = False,
        weights: ClassWeights | None = None,
    ) -> None:
        """Build the network, the optimizer and the compiled functions.

        Args:
            recipe: Recipe of the training run.
            num_images: Number of training images; hard example mining keeps a loss for each.
            num_classes: Number of classes of the data.
            model: Model of another engine to train further; None builds a new one.
            frozen: Train the layers behind the backbone alone; the engine then takes features in
                place of images.
            weights: Weight of each class in the objective; None if all count the same.
        """
        self._recipe, self.frozen = recipe, frozen
        self._objective = Objective.of(recipe, weights)
        self._num_classes = num_classes
        policy = ComputePolicy(compute_dtype(recipe), fused=self.has_fused_layers)
        self.model = model or build_model(recipe, policy, num_classes=num_classes)
        if frozen:
            self._logits = transfer.head(self.model)
        else:
            self._logits = keras.Model(self.model.input, self.model.get_layer("logits").output)
        self._optimizer = build_optimizer(recipe)
        self._optimizer.build(self._logits.trainable_variables)
        self._average = WeightAverage(self._logits.variables if recipe.ema else [], recipe.ema)
        self._losses = keras.Variable(
            np.zeros(num_images if recipe.hard_example_fraction < 1 else 0, np.float32),
            dtype="float32",
            trainable=False,
            autocast=False,
            name="losses",
        )
        self._compile_steps()

    @abstractmethod
    def _compile_steps(self) -> None:
        """Compile the functions that `train` and `evaluate` call."""

    @abstractmethod
    def to_device(self, chunk: Chunk) -> Any:
        """Copy a chunk to the device; safe to call from another thread."""

    @abstractmethod
    def train(self, chunk: Any, first: int, last: int, totals: RunningMetrics) -> RunningMetrics:
        """Take the steps `first` to `last - 1` of a chunk, and add to the totals.

        Training stops after the first step whose loss is not finite, and the totals show it.
        """

    @abstractmethod
    def evaluate(self, images: Images | Features, labels: Labels) -> RunningMetrics:
        """Sum loss and correct predictions over images in inference mode."""

    @abstractmethod
    def _compile(self, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Compile a function of one array."""

    def features(self, images: Images) -> Features:
        """Compute the backbone's features of images in inference mode, in float32."""
        extractor = feature_extractor(self.model)
        extract = self._compile(lambda batch: extractor(scale_images(batch), training=False))
        size = evaluation_batch(self._recipe)
        starts = range(0, len(images), size)
        batches = [np.asarray(extract(images[start : start + size])) for start in starts]
        return np.concatenate(batches).astype(np.float32)

    def _targets(self, chunk: Chunk) -> tuple[OneHot, Float32[np.ndarray, "n _"]]:
        """Return what labels and teacher say about a chunk; of no teacher (n, 0)."""
        targets = chunk.targets
        if targets is None:
            targets = one_hot(chunk.labels, self._num_classes)
        return targets, targets[:, :0] if chunk.teacher is None else chunk.teacher

    def averaged(self) -> AbstractContextManager[None]:
        """Hold the averaged weights in the model while inside; without `ema` its own ones."""
        return self._average.in_place()

    def losses(self) -> Losses:
        """Return the loss of each training image when it was last trained on; 0 before."""
        return np.array(self._losses.value)

    def state(self) -> dict[str, np.ndarray]:
        """Copy all that the next step depends on: weights, optimizer, dropout seeds, losses."""
        return {name: np.array(variable.value) for name, variable in self._variables().items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Load the result of `state`; refuse that of another network or optimizer."""
        variables = self._variables()
        shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
        if shapes != {name: array.shape for name, array in state.items()}:
            raise ModelError("the checkpoint belongs to another network or optimizer")
        for name, variable in variables.items():
            variable.assign(state[name])

    def _variables(self) -> dict[str, Any]:
        named = {"losses": self._losses}
        # the model's include the state of dropout's seed generators
        owners = {"model": self.model, "optimizer": self._optimizer, "average": self._average}
        for kind, owner in owners.items():
            for index, variable in enumerate(owner.variables):
                named[f"{kind}/{index:03d}/{variable.name}"] = variable
        return named


def engine_class() -> type[Engine]:
    """Return the engine for Keras' backend: TensorFlow (processors) or JAX (accelerators).

    Raises:
        EnvironmentFailure: If Keras runs on another backend.
    """
    match keras.backend.backend():
        case "tensorflow":
            from ankleboot.training.engines.tensorflow import TensorFlowEngine

            return TensorFlowEngine
        case "jax":
            from ankleboot.training.engines.jax import JaxEngine

            return JaxEngine
        case other:
            raise EnvironmentFailure(
                f"training needs Keras on TensorFlow or JAX, not on {other}: "
                "unset KERAS_BACKEND or set it to tensorflow"
            )


def describe_devices() -> dict[str, int]:
    """Return the number of devices that JAX trains on; {} for TensorFlow, which has the processor.

    Their number decides the order of sums, and so the last bits of the weights.
    """
    if keras.backend.backend() != "jax":
        return {}
    import jax

    return {"devices": jax.device_count()}


def feature_extractor(model: keras.Model) -> keras.Model:
    """Return the model from images to the backbone's features."""
    return keras.Model(model.input, model.get_layer(transfer.FEATURES).output)


def scale_images(images: Any) -> Any:
    """Scale pixels to [0, 1] and add a channel axis to gray images; features stay as they are."""
    if keras.backend.standardize_dtype(images.dtype) == "float32":
        return images
    scaled = ops.cast(images, "float32")
    return (scaled[..., None] if len(images.shape) == 3 else scaled) / 255.0


def evaluation_batch(recipe: Recipe) -> int:
    """Return the number of images per batch of an evaluation."""
    return batch_size_for(EVALUATION_BATCH, recipe.image_spec.image_shape)


def compute_dtype(recipe: Recipe) -> str:
    """Return the dtype that the recipe's precision means on this machine.

    On a processor without instructions for it, bfloat16 is several times slower than float32.
    """
    if recipe.precision != "auto":
        return recipe.precision
    is_fast = bool({"avx512_bf16", "amx_bf16"} & set(cpu_flags()))
    if keras.backend.backend() == "jax":
        import jax

        is_fast |= jax.default_backend() != "cpu"
    return "bfloat16" if is_fast else "float32"


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an exception of NumPy or a backend reports exhausted memory."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "ResourceExhaustedError"  # TensorFlow
        or "RESOURCE_EXHAUSTED" in str(error)  # JAX
    )
