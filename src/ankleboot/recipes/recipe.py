"""Recipe: all hyperparameters of a training run.

Every field can be overridden by name; the error for a wrong name or value lists the valid ones:

    recipe = override(RECIPES["leaky"], {"dropout": "0.3", "epochs": 8})

A field without effect keeps its default, so that equal training runs have equal recipes.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ankleboot.core.errors import UsageError
from ankleboot.core.text import unknown_name
from ankleboot.core.types import IMAGE_SIZE
from ankleboot.recipes.image_spec import CROPS, IMAGE_SIZES, ImageSpec
from ankleboot.recipes.option import KEY, Above, Case, Option, in_order, is_foreign, option
from ankleboot.recipes.split_rule import SplitRule

TRUE_WORDS = ("true", "yes", "on", "1")
FALSE_WORDS = ("false", "no", "off", "0")

CNN: Case = {"architecture": ("cnn",)}
TRANSFERRED: Case = {"architecture": ("transfer",)}
HIDDEN: Case = {"architecture": ("cnn", "mlp"), "dense_units": Above(0)}
BLOCKS: tuple[Case, ...] = ({**CNN, "stem": ("trained",)}, {**CNN, "blocks": Above(1)})
"""A trained block exists: with stem=dct the first block has only fixed patterns and a pooling."""
POOLED: tuple[Case, ...] = tuple({**case, "pooling": ("max", "average")} for case in BLOCKS)
THAWED: Case = {"epochs": Above("head_epochs")}
"""Some epochs train on images; those with a frozen backbone train on features instead."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All hyperparameters of a training run; immutable and valid.

    Raises:
        UsageError: If a value is not valid, or differs from the default of a field that has no
            effect; the message names the field and what is valid.
    """

    name: str

    # Network: [convolution(s), normalization, activation, pooling] x blocks, dense, softmax
    architecture: str = option("cnn", "Architecture.", plugin_kind="architectures")
    model_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Options of a plugin architecture, set by `--set model.KEY=VALUE`."""
    blocks: int = option(2, "Number of blocks.", limits=(1, 5), used_by=CNN)
    filters: int = option(
        32,
        "Number of filters of the first block; every further block doubles it.",
        limits=(1, 1024),
        used_by=CNN,
    )
    max_filters: int = option(
        8192, "Largest number of filters of a block.", limits=(1, 8192), used_by=CNN
    )
    convs_per_block: int = option(
        1, "Number of convolutions per block.", limits=(1, 8), used_by=BLOCKS
    )
    kernel_size: int = option(3, "Side of a kernel in pixels.", limits=(1, 11), used_by=BLOCKS)
    padding: str = option(
        "valid", "Padding of convolutions and poolings.", choices=("valid", "same"), used_by=CNN
    )
    pooling: str = option(
        "max",
        "2 x 2 pooling of a block; strided: its last convolution has stride 2; none: one average "
        "behind the last block.",
        choices=("max", "average", "strided", "none"),
        used_by=CNN,
    )
    block_order: str = option(
        "norm_act_pool",
        "Pooling behind or before normalization and activation.",
        choices=("norm_act_pool", "pool_norm_act"),
        used_by=POOLED,
    )
    stem: str = option(
        "trained",
        "First block: trained, or frozen cosine patterns and a pooling.",
        choices=("trained", "dct"),
        used_by=CNN,
    )
    activation: str = option(
        "relu",
        "Activation of convolutions and hidden dense layers.",
        choices=("relu", "leaky_relu", "gelu"),
        used_by=(HIDDEN, *BLOCKS),
    )
    negative_slope: float = option(
        0.1,
        "Slope for negative inputs.",
        limits=(0.0, 1.0),
        used_by={"activation": ("leaky_relu",)},
    )
    batch_norm: bool = option(
        False,
        "Batch normalization before the activations of convolutions, or of a dense network.",
        used_by=(*BLOCKS, {"architecture": ("mlp",), "dense_units": Above(0)}),
    )
    dropout: float = option(
        0.0,
        "Dropout rate behind each block, hidden dense layer or backbone.",
        limits=(0.0, 0.95),
        used_by=(HIDDEN, *BLOCKS, TRANSFERRED),
    )
    dense_units: int = option(
        128,
        "Number of units of each hidden dense layer; 0 = no such layer.",
        limits=(0, 8192),
        used_by={"architecture": ("cnn", "mlp")},
    )
    dense_layers: int = option(1, "Number of hidden dense layers.", limits=(1, 16), used_by=HIDDEN)
    l2: float = option(0.0, "Penalty on every kernel in the training objective.", limits=(0.0, 1.0))
    input_scaling: str = option(
        "unit",
        "Scale of the network's pixels: 0 to 255, 0 to 1, or standardized.",
        choices=("none", "unit", "standard"),
        used_by={"architecture": ("cnn", "mlp")},
    )
    backbone: str = option(
        "efficientnet_lite0",
        "Pretrained network whose features a new last layer reads.",
        plugin_kind="backbones",
        used_by=TRANSFERRED,
    )
    weights: str = option(
        "",
        "File of the backbone's weights; empty = the backbone's own source.",
        used_by=TRANSFERRED,
    )

    # Data; the first three decide how photos become images
    image_size: int = option(IMAGE_SIZE, "Pixels per side.", limits=IMAGE_SIZES)
    color: bool = option(False, "RGB images; otherwise gray.")
    crop: str = option(
        "garment", "Garment cut out as in Fashion-MNIST, or the whole photo.", choices=CROPS
    )
    split: str = option(
        "last",
        "Validation images: the last ones, or drawn class by class.",
        choices=("last", "stratified"),
    )
    validation_fraction: float = option(
        0.2, "Fraction of the training file for validation.", limits=(0.01, 0.9)
    )
    split_seed: int = option(
        0,
        "Seed of the draws of split=stratified and train_size.",
        limits=(0, 2**31 - 1),
        used_by=({"split": ("stratified",)}, {"train_size": Above(0)}),
    )
    train_size: int = option(
        0, "Number of training images, drawn class by class; 0 = all.", limits=(0, 10_000_000)
    )

    # Augmentation of training images, fresh every epoch
    flip: bool = option(False, "Mirror half of the images, left to right.", used_by=THAWED)
    max_shift: int = option(
        0,
        "Largest shift in each direction, in pixels.",
        limits=(0, IMAGE_SIZES[1] // 2),
        used_by=THAWED,
    )
    rotation: float = option(
        0.0, "Largest rotation either way, in degrees.", limits=(0.0, 180.0), used_by=THAWED
    )
    scale_jitter: float = option(
        0.0, "Largest change of size, as a fraction.", limits=(0.0, 0.9), used_by=THAWED
    )
    aspect_jitter: float = option(
        0.0, "Largest change of aspect, as a fraction.", limits=(0.0, 1.0), used_by=THAWED
    )
    random_erasing: float = option(
        0.0, "Probability of a random rectangle of noise.", limits=(0.0, 1.0), used_by=THAWED
    )
    color_jitter: float = option(
        0.0,
        "Largest change of brightness, contrast and color, as a fraction.",
        limits=(0.0, 0.9),
        used_by=THAWED,
    )
    photo_simulation: float = option(
        0.0,
        "Share of images with the faults of a converted photo.",
        limits=(0.0, 1.0),
        used_by={**THAWED, "crop": ("garment",)},
    )

    augmentation: str = option(
        "",
        "Further augmentation by a plugin; empty = none.",
        plugin_kind="augmentations",
        used_by=THAWED,
    )

    # Optimization
    optimizer: str = option("adam", "Optimizer.", plugin_kind="optimizers")
    learning_rate: float = option(
        1e-3, "Peak of the schedule.", limits=(1e-8, 10.0), used_by=THAWED
    )
    momentum: float = option(
        0.9,
        "Momentum; of sgd and muon Nesterov's.",
        limits=(0.0, 0.9999),
        used_by={"optimizer": ("sgd", "muon", "rmsprop")},
    )
    schedule: str = option(
        "constant",
        "Course of the learning rate.",
        plugin_kind="schedules",
        used_by=THAWED,
    )
    weight_decay: float = option(
        0.0, "Decoupled decay of kernels, per step and unit of learning rate.", limits=(0.0, 1.0)
    )
    label_smoothing: float = option(
        0.0, "Probability mass spread evenly over the classes.", limits=(0.0, 0.9)
    )
    batch_size: int = option(64, "Number of images per step.", limits=(1, 65_536))
    epochs: int = option(5, "Number of passes over the training images.", limits=(1, 10_000))
    hard_example_fraction: float = option(
        1.0,
        "Share of images, by their last loss, in each epoch after the first.",
        limits=(0.01, 1.0),
        used_by={"architecture": ("cnn", "mlp")},
    )
    head_epochs: int = option(
        0,
        "Number of first epochs that train the last layer alone, without augmentation.",
        limits=(0, 10_000),
        used_by=TRANSFERRED,
    )
    head_learning_rate: float = option(
        1e-3,
        "Learning rate of the frozen epochs.",
        limits=(1e-8, 10.0),
        used_by={"head_epochs": Above(0)},
    )
    patience: int = option(
        0,
        "Number of epochs without improvement before training stops and keeps the best; 0 = off.",
        limits=(0, 10_000),
    )
    monitor: str = option(
        "loss", "Validation metric that chooses the best epoch.", choices=("loss", "accuracy")
    )
    precision: str = option(
        "float32",
        "Arithmetic of training; auto = bfloat16 where the processor has it.",
        choices=("float32", "bfloat16", "auto"),
    )
    seed: int = option(
        0, "Seed of initial weights, image order, augmentation and dropout.", limits=(0, 2**31 - 1)
    )

    def __post_init__(self) -> None:
        for key, declared in OPTIONS.items():
            object.__setattr__(self, key, declared.checked(key, getattr(self, key)))
        self._refuse_conflicts()
        values = self.to_json()
        if self.model_options and not is_foreign("architecture", self.architecture):
            raise UsageError(
                f"model.{next(iter(self.model_options))} has no effect with "
                f"architecture={self.architecture}; its options are the fields of the recipe"
            )
        for key in IN_ORDER:
            declared = OPTIONS[key]
            if values[key] != declared.default and not declared.is_used(values):
                raise UsageError(declared.refusal(key, values))

    def _refuse_conflicts(self) -> None:
        _ = self.image_spec  # raises for a size or color that the crop cannot give
        if self.max_shift > self.image_size // 2:
            raise UsageError(
                f"max_shift: expected at most half of image_size={self.image_size}, "
                f"got {self.max_shift}"
            )
        if self.head_epochs > self.epochs:
            raise UsageError(
                f"head_epochs: expected at most epochs={self.epochs}, got {self.head_epochs}"
            )
        if self.architecture == "transfer":
            needed = "garment" if self.backbone == "fashion_mnist" else "none"
            if self.crop != needed:
                raise UsageError(
                    f"backbone={self.backbone} needs crop={needed}, got crop={self.crop}"
                )
        if self.architecture == "cnn":
            self._refuse_impossible_blocks()

    def _refuse_impossible_blocks(self) -> None:
        if self.stem == "dct" and self.pooling not in ("max", "average"):
            raise UsageError(
                f"stem=dct needs a pooling, got pooling={self.pooling}; set max or average"
            )
        sizes = self.feature_map_sizes()
        if min(sizes) < 1:
            raise UsageError(
                f"blocks={self.blocks} with kernel_size={self.kernel_size} and "
                f"padding={self.padding} leaves no pixel after block {len(sizes)}; "
                "use fewer blocks, a smaller kernel or padding=same"
            )

    @property
    def image_spec(self) -> ImageSpec:
        """Size, colors and crop of the images."""
        return ImageSpec(self.image_size, self.color, self.crop)

    @property
    def split_rule(self) -> SplitRule:
        """Division of the training file into training and validation images."""
        return SplitRule(self.split, self.validation_fraction, self.split_seed, self.train_size)

    def feature_map_sizes(self) -> list[int]:
        """List the side in pixels after each block, until a block leaves no pixel."""
        size, sizes = self.image_size, []
        for block in range(self.blocks):
            lost = self.convs_per_block * (self.kernel_size - 1)
            if block == 0 and self.stem == "dct":
                lost = math.isqrt(self.block_filters()[0] - 1)  # side of its patterns minus 1
            if self.padding == "same":
                size = size if self.pooling == "none" else -(-size // 2)
            else:
                size -= lost
                # a stride keeps the last pixel of an odd row, a pooling drops it
                size = {"none": size, "strided": -(-size // 2)}.get(self.pooling, size // 2)
            sizes.append(size)
            if size < 1:
                break
        if self.pooling == "none" and len(sizes) == self.blocks:
            window = 2**self.blocks
            sizes[-1] = -(-size // window) if self.padding == "same" else size // window
        return sizes

    def block_filters(self) -> list[int]:
        """List the number of filters of each block."""
        return [min(self.filters * 2**block, self.max_filters) for block in range(self.blocks)]

    def to_json(self) -> dict[str, Any]:
        """Return the fields; `from_json` turns them back into an equal recipe."""
        return asdict(self)


OPTIONS: Mapping[str, Option] = {
    declared.name: declared.metadata[KEY] for declared in fields(Recipe) if KEY in declared.metadata
}
"""Declaration of every field except `name` and `model_options`."""

IN_ORDER = in_order(OPTIONS)


def from_json(document: Mapping[str, Any]) -> Recipe:
    """Rebuild a recipe from `Recipe.to_json`; fields that it lacks take their defaults.

    Raises:
        UsageError: If a field is unknown or invalid, or the name is missing.
    """
    for key in document:
        if key not in OPTIONS and key not in ("name", "model_options"):
            raise UsageError(unknown_name("recipe field", key, ["name", *sorted(OPTIONS)]))
    name = document.get("name")
    if not isinstance(name, str):
        raise UsageError(f"name: expected a name, got {name!r}")
    values = {key: OPTIONS[key].checked(key, document[key]) for key in document if key in OPTIONS}
    return Recipe(name=name, model_options=document.get("model_options", {}), **values)


def override(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Replace fields of a recipe.

    A field that the values name must have an effect in the new recipe. A field of the old recipe
    that loses its effect returns to its default: `{"architecture": "mlp"}` on `leaky` resets
    `blocks` and `padding`.

    Args:
        recipe: Recipe to start from.
        values: Values by field, as objects or as the text of `--set`; "model.KEY" is an option of
            a plugin architecture.

    Raises:
        UsageError: If a field is unknown or has no effect, or a value is invalid.
    """
    parsed: dict[str, Any] = {}
    model_options = dict(recipe.model_options)
    for key, value in values.items():
        if key.startswith("model."):
            model_options[key.removeprefix("model.")] = _parse_option(value)
            continue
        if key not in OPTIONS:
            raise UsageError(unknown_name("recipe field", key, sorted(OPTIONS)))
        parsed[key] = OPTIONS[key].checked(key, _parse(key, value))
    if not any(key.startswith("model.") for key in values) and "architecture" in parsed:
        model_options = {}  # the options of the former architecture
    document = recipe.to_json() | parsed | {"model_options": model_options}
    for key in IN_ORDER:
        if OPTIONS[key].is_used(document):
            continue
        if key in parsed:
            raise UsageError(OPTIONS[key].refusal(key, document))
        document[key] = OPTIONS[key].default
    return Recipe(**document)


def _parse_option(value: Any) -> Any:
    """Read a JSON value; other text stays text."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _parse(name: str, value: Any) -> Any:
    kind = OPTIONS[name].kind
    if not isinstance(value, str):
        return value
    text = value.strip()
    if kind is bool and text.lower() in TRUE_WORDS + FALSE_WORDS:
        return text.lower() in TRUE_WORDS
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
