"""A Recipe: everything that decides a training run, and nothing else.

A recipe is its difference from another one, every field can be overridden by name, and a wrong
name or value is one line with the valid ones:

    recipe = override(RECIPES["leaky"], {"dropout": "0.3", "epochs": "8"})

A field without effect keeps its default, so that equal trainings have equal recipes.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ankleboot.arrays import IMAGE_SIZE
from ankleboot.errors import UsageError
from ankleboot.preparation import FRAMINGS, IMAGE_SIZES, Preparation
from ankleboot.recipe_fields import KEY, Above, Case, Option, in_order, option, shown

TRUE_WORDS = ("true", "yes", "on", "1")
FALSE_WORDS = ("false", "no", "off", "0")

CNN: Case = {"model": ("cnn",)}
TRANSFERRED: Case = {"model": ("transfer",)}
HIDDEN: Case = {"model": ("cnn", "dense"), "dense_units": Above(0)}
BLOCKS: tuple[Case, ...] = ({**CNN, "stem": ("trained",)}, {**CNN, "blocks": Above(1)})
"""A trained block exists: with stem=dct the first block is nothing but patterns and a pooling."""
POOLED: tuple[Case, ...] = tuple({**case, "pooling": ("max", "average")} for case in BLOCKS)
THAWED: Case = {"epochs": Above("frozen_epochs")}
"""Some epochs train on images; those with a frozen backbone read features, at their own rate."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run; immutable, and valid once it exists.

    Raises:
        UsageError: If a value is not valid, or differs from the default of a field that has no
            effect; the message names the field and what is valid.
    """

    name: str

    # Network: [convolution(s), normalisation, activation, pooling] x blocks, dense, softmax
    model: str = option("cnn", "Architecture.", choices=("cnn", "dense", "transfer"))
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
    convolutions: int = option(
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
    leaky_slope: float = option(
        0.1,
        "Slope for negative inputs.",
        limits=(0.0, 1.0),
        used_by={"activation": ("leaky_relu",)},
    )
    batch_norm: bool = option(
        False,
        "Batch normalization before the activations of convolutions, or of a dense network.",
        used_by=(*BLOCKS, {"model": ("dense",), "dense_units": Above(0)}),
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
        used_by={"model": ("cnn", "dense")},
    )
    dense_layers: int = option(1, "Number of hidden dense layers.", limits=(1, 16), used_by=HIDDEN)
    l2: float = option(0.0, "Penalty on every kernel in the training objective.", limits=(0.0, 1.0))
    normalisation: str = option(
        "unit",
        "Scale of the network's pixels: 0 to 255, 0 to 1, or standardized.",
        choices=("none", "unit", "standard"),
        used_by={"model": ("cnn", "dense")},
    )
    backbone: str = option(
        "efficientnet_lite0",
        "Pretrained network whose features a new last layer reads.",
        choices=(
            "efficientnet_lite0",
            "efficientnet_lite0_small",
            "fashion_mnist",
            "mobilenet_v3_large",
            "resnet50_v2",
            "vgg16",
        ),
        used_by=TRANSFERRED,
    )
    weights: str = option(
        "",
        "File of the backbone's weights; empty = the backbone's own source.",
        used_by=TRANSFERRED,
    )

    # Data; the first three decide how photos become images
    image_size: int = option(IMAGE_SIZE, "Pixels per side.", limits=IMAGE_SIZES)
    colour: bool = option(False, "RGB images; otherwise gray.")
    framing: str = option(
        "garment", "Garment cut out as in Fashion-MNIST, or the whole photo.", choices=FRAMINGS
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
    shift: int = option(
        0,
        "Largest shift in each direction, in pixels.",
        limits=(0, IMAGE_SIZES[1] // 2),
        used_by=THAWED,
    )
    rotation: float = option(
        0.0, "Largest rotation either way, in degrees.", limits=(0.0, 180.0), used_by=THAWED
    )
    zoom: float = option(
        0.0, "Largest change of size, as a fraction.", limits=(0.0, 0.9), used_by=THAWED
    )
    stretch: float = option(
        0.0, "Largest change of aspect, as a fraction.", limits=(0.0, 1.0), used_by=THAWED
    )
    erasing: float = option(
        0.0, "Probability of a random rectangle of noise.", limits=(0.0, 1.0), used_by=THAWED
    )
    tone: float = option(
        0.0,
        "Largest change of brightness, contrast and color, as a fraction.",
        limits=(0.0, 0.9),
        used_by=THAWED,
    )
    photo_faults: float = option(
        0.0,
        "Share of images with the faults of a converted photo.",
        limits=(0.0, 1.0),
        used_by={**THAWED, "framing": ("garment",)},
    )

    # Optimisation
    optimizer: str = option(
        "adam", "Optimizer.", choices=("adam", "adamw", "muon", "rmsprop", "sgd")
    )
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
        choices=("constant", "cosine", "one_cycle"),
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
    hardest: float = option(
        1.0,
        "Share of images, by their last loss, in each epoch after the first.",
        limits=(0.01, 1.0),
        used_by={"model": ("cnn", "dense")},
    )
    frozen_epochs: int = option(
        0,
        "Number of first epochs that train the last layer alone, without augmentation.",
        limits=(0, 10_000),
        used_by=TRANSFERRED,
    )
    frozen_rate: float = option(
        1e-3,
        "Learning rate of the frozen epochs.",
        limits=(1e-8, 10.0),
        used_by={"frozen_epochs": Above(0)},
    )
    early_stopping: int = option(
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
        for key in IN_ORDER:
            declared = OPTIONS[key]
            if values[key] != declared.default and not declared.is_used(values):
                raise UsageError(declared.refusal(key, values))

    def _refuse_conflicts(self) -> None:
        _ = self.preparation  # refuses a size or a color that the framing cannot give
        if self.shift > self.image_size // 2:
            raise UsageError(
                f"shift: expected at most half of image_size={self.image_size}, got {self.shift}"
            )
        if self.frozen_epochs > self.epochs:
            raise UsageError(
                f"frozen_epochs: expected at most epochs={self.epochs}, got {self.frozen_epochs}"
            )
        if self.model == "transfer":
            needed = "garment" if self.backbone == "fashion_mnist" else "whole"
            if self.framing != needed:
                raise UsageError(
                    f"backbone={self.backbone} needs framing={needed}, got framing={self.framing}"
                )
        if self.model == "cnn":
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
    def preparation(self) -> Preparation:
        """Preparation of photos for the network."""
        return Preparation(self.image_size, self.colour, self.framing)

    def feature_map_sizes(self) -> list[int]:
        """Side length in pixels after each block; ends at the first block that leaves none."""
        size, sizes = self.image_size, []
        for block in range(self.blocks):
            lost = self.convolutions * (self.kernel_size - 1)
            if block == 0 and self.stem == "dct":
                lost = math.isqrt(self.block_filters()[0] - 1)  # its patterns' side, less one
            if self.padding == "same":
                size = size if self.pooling == "none" else -(-size // 2)
            else:
                size -= lost
                # a stride leaves the last place of an odd row, a pooling drops it
                size = {"none": size, "strided": -(-size // 2)}.get(self.pooling, size // 2)
            sizes.append(size)
            if size < 1:
                break
        if self.pooling == "none" and len(sizes) == self.blocks:
            window = 2**self.blocks
            sizes[-1] = -(-size // window) if self.padding == "same" else size // window
        return sizes

    def block_filters(self) -> list[int]:
        """Count the filters of each block."""
        return [min(self.filters * 2**block, self.max_filters) for block in range(self.blocks)]

    def to_json(self) -> dict[str, Any]:
        """The fields as a dictionary that `from_json` turns back into an equal recipe."""
        return asdict(self)


OPTIONS: Mapping[str, Option] = {
    field.name: field.metadata[KEY] for field in fields(Recipe) if KEY in field.metadata
}
"""Declaration of every field but the name."""

IN_ORDER = in_order(OPTIONS)


def from_json(document: Mapping[str, Any]) -> Recipe:
    """Rebuild a recipe from `Recipe.to_json`; fields that it lacks take their defaults.

    Raises:
        UsageError: If a field is unknown or invalid, or the name is missing.
    """
    for key in document:
        if key != "name" and key not in OPTIONS:
            raise UsageError(_unknown("recipe field", key, ["name", *sorted(OPTIONS)]))
    name = document.get("name")
    if not isinstance(name, str):
        raise UsageError(f"name: expected a name, got {name!r}")
    values = {key: OPTIONS[key].checked(key, document[key]) for key in document if key != "name"}
    return Recipe(name=name, **values)


def override(recipe: Recipe, values: Mapping[str, str]) -> Recipe:
    """Return the recipe with some fields replaced by values written as text.

    A field that the values name must have an effect in the new recipe. A field of the old recipe
    that loses its effect returns to its default: `{"model": "dense"}` on `leaky` resets `blocks`
    and `padding`.

    Raises:
        UsageError: If a field is unknown or has no effect, or a value is invalid.
    """
    parsed = {}
    for key, text in values.items():
        if key not in OPTIONS:
            raise UsageError(_unknown("recipe field", key, sorted(OPTIONS)))
        parsed[key] = OPTIONS[key].checked(key, _parse(key, text.strip()))
    document = recipe.to_json() | parsed
    for key in IN_ORDER:
        if OPTIONS[key].is_used(document):
            continue
        if key in parsed:
            raise UsageError(OPTIONS[key].refusal(key, document))
        document[key] = OPTIONS[key].default
    return Recipe(**document)


def _parse(name: str, text: str) -> Any:
    kind = OPTIONS[name].kind
    if kind is bool and text.lower() in TRUE_WORDS + FALSE_WORDS:
        return text.lower() in TRUE_WORDS
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def changes(recipe: Recipe) -> list[str]:
    """List the --set values that make `train NAME` train this recipe, its seed left out."""
    own, named = recipe.to_json(), RECIPES.get(recipe.name, PLAIN).to_json()
    return [
        f"{key}={shown(own[key])}"
        for key, declared in OPTIONS.items()
        if key != "seed" and own[key] != named[key] and declared.is_used(own)
    ]


def find(name: str) -> Recipe:
    """Return the recipe called `name`.

    Raises:
        UsageError: If there is none; the message lists the known ones.
    """
    if name not in RECIPES:
        raise UsageError(_unknown("recipe", name, list(RECIPES)))
    return RECIPES[name]


def _unknown(what: str, name: str, valid: list[str]) -> str:
    close = difflib.get_close_matches(name, valid, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    return f"unknown {what} {name!r}{hint}; valid: {', '.join(valid)}"


PLAIN = Recipe(name="plain", epochs=5)
"""The first ancestor's "simple CNN": two convolution + max-pooling blocks of 32 and 64 filters, a
dense layer and the softmax; 225,034 parameters."""

LEAKY = replace(PLAIN, name="leaky", blocks=3, padding="same", activation="leaky_relu", epochs=20)
"""The second ancestor: LeakyReLU 0.1, 32-64-128 filters; 356,234 parameters. The count holds only
with padding "same" in the poolings too (28-14-7-4)."""

SPRINT = Recipe(
    name="sprint",
    blocks=4,
    filters=16,
    max_filters=64,
    padding="same",
    block_order="pool_norm_act",
    stem="dct",
    batch_norm=True,
    dense_units=0,
    normalisation="standard",
    optimizer="muon",
    learning_rate=0.07,
    schedule="one_cycle",
    label_smoothing=0.1,
    batch_size=256,
    epochs=2,
    hardest=0.5,
    precision="auto",
)
"""The shortest way to the ancestors' accuracy on a processor (docs/performance.md)."""

POCKET = replace(
    SPRINT,
    name="pocket",
    stem="trained",
    max_filters=128,
    hardest=1.0,
    flip=True,
    shift=1,
    erasing=0.2,
    epochs=40,
)
"""The network that ships with the package: small and quick enough for a phone, trained in two
minutes, where `sprint` stops after four seconds."""

STREET = replace(POCKET, name="street", flip=True, shift=0, erasing=0.0, photo_faults=0.8, epochs=8)
"""For photographs of which it has seen none: beside `pocket` it names them without having learned
from a single one (`--model zero-shot`)."""

TRANSFER = Recipe(
    name="transfer",
    model="transfer",
    image_size=224,
    colour=True,
    framing="whole",
    split="stratified",
    dropout=0.2,
    flip=True,
    shift=16,
    rotation=20.0,
    zoom=0.25,
    stretch=0.25,
    erasing=0.25,
    tone=0.3,
    optimizer="adamw",
    learning_rate=5e-4,
    weight_decay=0.05,
    schedule="one_cycle",
    label_smoothing=0.1,
    batch_size=32,
    frozen_epochs=5,
    epochs=13,
)
"""For one's own photographs: a network that knows ImageNet learns the folder's classes."""

SMALL = replace(
    TRANSFER, name="small", backbone="efficientnet_lite0_small", image_size=160, epochs=19
)
"""As `transfer`, at a fifth of the size."""

TINY = replace(
    TRANSFER,
    name="tiny",
    backbone="fashion_mnist",
    image_size=28,
    colour=False,
    framing="garment",
    shift=1,
    rotation=10.0,
    zoom=0.1,
    stretch=0.15,
    erasing=0.1,
    tone=0.0,
    photo_faults=0.3,
    optimizer="muon",
    learning_rate=0.03,
    weight_decay=0.0,
    batch_size=64,
    epochs=65,
)
"""For garments on photographs, cut out and brought to 28 x 28 pixels: the shipped model's own
convolutions learn the folder's classes."""

RECIPES = {
    recipe.name: recipe for recipe in (SPRINT, POCKET, STREET, PLAIN, LEAKY, TRANSFER, SMALL, TINY)
}
