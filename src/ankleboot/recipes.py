"""A Recipe: everything that decides a training run, and nothing else.

A recipe is its difference from another one, every field can be overridden by name, and a wrong
name or value is one line with the valid ones:

    recipe = override(RECIPES["leaky"], {"dropout": "0.3", "epochs": "8"})
"""

import difflib
import math
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ankleboot.arrays import IMAGE_SIZE
from ankleboot.errors import UsageError
from ankleboot.preparation import FRAMINGS, IMAGE_SIZES, Preparation

CHOICES: Mapping[str, tuple[str, ...]] = types.MappingProxyType(
    {
        "model": ("cnn", "dense", "transfer"),
        "backbone": (
            "efficientnet_lite0",
            "efficientnet_lite0_small",
            "fashion_mnist",
            "mobilenet_v3_large",
            "resnet50_v2",
            "vgg16",
        ),
        "padding": ("valid", "same"),
        "block_order": ("norm_act_pool", "pool_norm_act"),
        "stem": ("trained", "dct"),
        "pooling": ("max", "average", "strided", "none"),
        "activation": ("relu", "leaky_relu", "gelu"),
        "normalisation": ("none", "unit", "standard"),
        "framing": FRAMINGS,
        "split": ("last", "stratified"),
        "optimizer": ("adam", "adamw", "muon", "rmsprop", "sgd"),
        "schedule": ("constant", "cosine", "one_cycle"),
        "monitor": ("loss", "accuracy"),
        "precision": ("float32", "bfloat16", "auto"),
    }
)
"""Every value that a field of names may take."""

RANGES: Mapping[str, tuple[float, float]] = types.MappingProxyType(
    {
        "blocks": (1, 5),
        "filters": (1, 1024),
        "max_filters": (1, 8192),
        "convolutions": (1, 8),
        "kernel_size": (1, 11),
        "leaky_slope": (0.0, 1.0),
        "dropout": (0.0, 0.95),
        "dense_units": (0, 8192),
        "dense_layers": (1, 16),
        "l2": (0.0, 1.0),
        "image_size": IMAGE_SIZES,
        "validation_fraction": (0.01, 0.9),
        "split_seed": (0, 2**31 - 1),
        "train_size": (0, 10_000_000),
        "shift": (0, IMAGE_SIZES[1] // 2),
        "rotation": (0.0, 180.0),
        "zoom": (0.0, 0.9),
        "stretch": (0.0, 1.0),
        "erasing": (0.0, 1.0),
        "tone": (0.0, 0.9),
        "photo_faults": (0.0, 1.0),
        "learning_rate": (1e-8, 10.0),
        "momentum": (0.0, 0.9999),
        "weight_decay": (0.0, 1.0),
        "label_smoothing": (0.0, 0.9),
        "batch_size": (1, 65_536),
        "hardest": (0.01, 1.0),
        "epochs": (1, 10_000),
        "frozen_epochs": (0, 10_000),
        "frozen_rate": (1e-8, 10.0),
        "early_stopping": (0, 10_000),
        "seed": (0, 2**31 - 1),
    }
)
"""Smallest and largest value of every field of numbers, both included."""

TRUE_WORDS = ("true", "yes", "on", "1")
FALSE_WORDS = ("false", "no", "off", "0")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run; immutable, and valid once it exists.

    Raises:
        UsageError: If a value is not valid; the message names the field and the valid values.
    """

    name: str

    # Network: [convolution(s), normalisation, activation, pooling] x blocks, dense, softmax
    model: str = "cnn"  # a key of ankleboot.models.MODELS
    blocks: int = 2
    filters: int = 32  # of the first block; every further block doubles them ...
    max_filters: int = 8192  # ... up to this many
    convolutions: int = 1  # per block
    kernel_size: int = 3  # pixels
    padding: str = "valid"  # of convolutions and poolings alike
    pooling: str = "max"  # 2x2; "strided": the block's last convolution takes every second place;
    # "none": maps keep their size, and are averaged to as few places once, behind the last block
    block_order: str = "norm_act_pool"  # pooling first leaves a quarter of the pixels for the rest
    stem: str = "trained"  # "dct": the first block is frozen cosine patterns and a pooling
    activation: str = "relu"
    leaky_slope: float = 0.1  # of leaky_relu for negative inputs
    batch_norm: bool = False  # between convolution and activation
    dropout: float = 0.0  # rate after every pooling and after the dense layer
    dense_units: int = 128  # of each hidden dense layer; 0 = none
    dense_layers: int = 1  # hidden ones; of model "dense" they are the whole network
    l2: float = 0.0  # penalty on every kernel, added to the training objective
    normalisation: str = "unit"  # pixels reach the network as 0-255, as 0-1, or standardised

    # Network of model "transfer": a backbone, dropout, softmax; the fields above have no say in it
    backbone: str = "efficientnet_lite0"  # a key of ankleboot.models.backbones.BACKBONES
    weights: str = ""  # file of the backbone's weights; empty = where they usually come from

    # Data; the first three say how pictures of one's own are prepared
    image_size: int = IMAGE_SIZE  # pixels per side
    colour: bool = False  # RGB; otherwise grey
    framing: str = "garment"  # cut out as Fashion-MNIST's authors did, or the whole picture
    split: str = "last"  # validation = the last images, or drawn class by class with split_seed
    validation_fraction: float = 0.2  # of the training file: 12,000 of 60,000
    split_seed: int = 0
    train_size: int = 0  # training images drawn class by class with split_seed; 0 = all

    # Augmentation of training images, fresh every epoch
    flip: bool = False  # left-right, one image in two
    shift: int = 0  # up to this many pixels in each direction
    rotation: float = 0.0  # up to this many degrees either way
    zoom: float = 0.0  # up to this fraction larger or smaller
    stretch: float = 0.0  # up to this fraction wider or higher
    erasing: float = 0.0  # probability that a random rectangle is overwritten with noise
    tone: float = 0.0  # brightness, contrast and colour changed by up to this fraction
    photo_faults: float = 0.0  # share of images that a photograph's conversion is done to

    # Optimisation
    optimizer: str = "adam"
    learning_rate: float = 1e-3  # peak of the schedule
    momentum: float = 0.9  # of sgd and muon (Nesterov) and rmsprop
    schedule: str = "constant"
    weight_decay: float = 0.0  # decoupled, per step and unit of learning rate; kernels only
    label_smoothing: float = 0.0  # probability mass spread evenly over the classes
    batch_size: int = 64  # images
    epochs: int = 5  # passes over the training images
    hardest: float = 1.0  # part of them, by loss when last seen, in every epoch after the first
    frozen_epochs: int = (
        0  # of them the first, in which only what is behind the backbone learns ...
    )
    frozen_rate: float = 1e-3  # ... at this rate, from cached features without augmentation
    early_stopping: int = 0  # epochs without improvement until stop and best epoch; 0 = off
    monitor: str = "loss"  # what improves on validation images: chooses the best epoch
    precision: str = "float32"  # of training; auto = bfloat16 where the processor has it
    seed: int = 0  # of initial weights, order, augmentation and dropout

    def __post_init__(self) -> None:
        for field in fields(self):
            value = _plain_float(field.type, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
            _check(field.name, field.type, value)
        _ = self.preparation  # refuses what cannot be had together
        if self.shift > self.image_size // 2:
            raise UsageError(
                f"shift: expected at most half of image_size={self.image_size}, got {self.shift}"
            )
        if self.model == "transfer":
            wanted = "garment" if self.backbone == "fashion_mnist" else "whole"
            if self.framing != wanted:
                raise UsageError(f"backbone={self.backbone} wants framing={wanted}")
            if self.hardest < 1:
                raise UsageError("model=transfer trains on all pictures: hardest=1")
        if self.photo_faults and self.framing != "garment":
            raise UsageError("photo_faults: imitates what framing=garment does to photographs")
        if self.frozen_epochs > self.epochs:
            raise UsageError(f"frozen_epochs: expected at most epochs={self.epochs}")
        if self.frozen_epochs and self.model != "transfer":
            raise UsageError("frozen_epochs: only model=transfer has a backbone to freeze")
        if self.pooling not in ("max", "average") and self.stem == "dct":
            raise UsageError("stem=dct is nothing without its pooling: set max or average")
        sizes = self.feature_map_sizes() if self.model == "cnn" else [1]
        if min(sizes) < 1:
            raise UsageError(
                f"blocks={self.blocks} with kernel_size={self.kernel_size} and "
                f"padding={self.padding} leaves no pixel after block {len(sizes)}; "
                "use fewer blocks, a smaller kernel or padding=same"
            )

    @property
    def preparation(self) -> Preparation:
        """What is done with pictures before the network sees them."""
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
        """Filters of each block."""
        return [min(self.filters * 2**block, self.max_filters) for block in range(self.blocks)]

    def to_json(self) -> dict[str, Any]:
        """The fields as a dictionary that `from_json` turns back into an equal recipe."""
        return asdict(self)


def _check(name: str, expected: Any, value: Any) -> None:
    if type(value) is not expected:
        raise UsageError(f"{name}: expected {valid_values(name)}, got {value!r}")
    if name in CHOICES and value not in CHOICES[name]:
        raise UsageError(f"{name}: expected {valid_values(name)}, got {value!r}")
    if name in RANGES:
        low, high = RANGES[name]
        if not low <= value <= high:  # also refuses nan
            raise UsageError(f"{name}: expected {valid_values(name)}, got {value!r}")


def valid_values(name: str) -> str:
    """Say in words what the field `name` accepts."""
    if name in CHOICES:
        return " or ".join(CHOICES[name])
    if name in RANGES:
        low, high = RANGES[name]
        kind = "a whole number" if _TYPES[name] is int else "a number"
        return f"{kind} from {low:g} to {high:.10g}"
    return "true or false" if _TYPES[name] is bool else "a name or path"


def from_json(document: Mapping[str, Any]) -> Recipe:
    """Rebuild a recipe from `Recipe.to_json`.

    Raises:
        UsageError: If a field is unknown, missing or invalid.
    """
    for key in document:
        if key not in _TYPES:
            raise UsageError(_unknown("recipe field", key, sorted(_TYPES)))
    if "name" not in document:
        raise UsageError("a recipe needs a name")
    values = {key: _plain_float(_TYPES[key], value) for key, value in document.items()}
    for key, value in values.items():
        _check(key, _TYPES[key], value)
    return Recipe(**values)


def _plain_float(expected: Any, value: Any) -> Any:
    """Let a whole number stand where a float is expected, as JSON and people write it."""
    return float(value) if expected is float and type(value) is int else value


def override(recipe: Recipe, values: Mapping[str, str]) -> Recipe:
    """Return the recipe with some fields replaced by values written as text.

    Raises:
        UsageError: If a field is unknown or a value invalid.
    """
    parsed = {}
    for key, text in values.items():
        if key not in _TYPES or key == "name":
            valid = sorted(set(_TYPES) - {"name"})
            raise UsageError(_unknown("recipe field", key, valid))
        parsed[key] = _parse(key, text.strip())
    return replace(recipe, **parsed)


def _parse(name: str, text: str) -> Any:
    kind = _TYPES[name]
    if kind is bool and text.lower() in TRUE_WORDS + FALSE_WORDS:
        return text.lower() in TRUE_WORDS
    if kind is str:
        return text
    if kind is not bool:
        try:
            return kind(text)
        except ValueError:
            pass
    raise UsageError(f"{name}: expected {valid_values(name)}, got {text!r}")


def changes(recipe: Recipe) -> list[str]:
    """What `train NAME` must be told by --set to give this recipe, its seed left out."""
    named = RECIPES.get(recipe.name, PLAIN)
    own, usual = recipe.to_json(), named.to_json()
    return [
        f"{key}={str(value).lower() if isinstance(value, bool) else value}"
        for key, value in own.items()
        if key not in ("name", "seed") and value != usual[key]
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


_TYPES: dict[str, Any] = {field.name: field.type for field in fields(Recipe)}

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
