"""Recipe: all hyperparameters of a training run.

A field without effect keeps its default, so that equal training runs have equal recipes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ankleboot.core.errors import UsageError
from ankleboot.core.types import IMAGE_SIZE
from ankleboot.recipes.conflicts import refuse_conflicts
from ankleboot.recipes.image_spec import CROPS, FITS, IMAGE_SIZES, ImageSpec
from ankleboot.recipes.option import KEY, Above, Case, Option, in_order, is_foreign, option
from ankleboot.recipes.split_rule import MAX_FOLDS, SplitRule

CNN: Case = {"architecture": ("cnn",)}
TRANSFER: Case = {"architecture": ("transfer",)}
SCRATCH: Case = {"architecture": ("cnn", "mlp")}
HIDDEN: Case = {**SCRATCH, "dense_units": Above(0)}
BLOCKS: tuple[Case, ...] = ({**CNN, "stem": ("trained",)}, {**CNN, "blocks": Above(1)})
"""A trained block exists: with stem=dct the first block has only fixed patterns and a pooling."""
THAWED: Case = {"epochs": Above("head_epochs")}
"""Some epochs train on images; those with a frozen backbone train on features instead."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All hyperparameters of a training run; immutable and valid.

    Raises:
        UsageError: If a value is not valid, or a field without effect has not its default.
    """

    name: str

    # Network: [convolution(s), normalization, activation, pooling] x blocks, dense, softmax
    architecture: str = option("cnn", "Architecture.", plugins="architectures")
    model_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Options of a plugin architecture, set by `--set model.KEY=VALUE`."""
    blocks: int = option(2, "Number of blocks.", (1, 5), CNN)
    filters: int = option(
        32, "Number of filters of the first block; every further block doubles it.", (1, 1024), CNN
    )
    max_filters: int = option(8192, "Largest number of filters of a block.", (1, 8192), CNN)
    convs_per_block: int = option(1, "Number of convolutions per block.", (1, 8), BLOCKS)
    kernel_size: int = option(3, "Side of a kernel in pixels.", (1, 11), BLOCKS)
    padding: str = option(
        "valid", "Padding of convolutions and poolings.", words=("valid", "same"), used_by=CNN
    )
    pooling: str = option(
        "max",
        "2 x 2 pooling of a block; strided: its last convolution has stride 2; none: one average "
        "behind the last block.",
        words=("max", "average", "strided", "none"),
        used_by=CNN,
    )
    block_order: str = option(
        "norm_act_pool",
        "Pooling behind or before normalization and activation.",
        words=("norm_act_pool", "pool_norm_act"),
        used_by=tuple({**case, "pooling": ("max", "average")} for case in BLOCKS),
    )
    stem: str = option(
        "trained",
        "First block: trained, or frozen cosine patterns and a pooling.",
        words=("trained", "dct"),
        used_by=CNN,
    )
    activation: str = option(
        "relu",
        "Activation of convolutions and hidden dense layers.",
        words=("relu", "leaky_relu", "gelu"),
        used_by=(HIDDEN, *BLOCKS),
    )
    negative_slope: float = option(
        0.1, "Slope for negative inputs.", (0.0, 1.0), {"activation": ("leaky_relu",)}
    )
    batch_norm: bool = option(
        False,
        "Batch normalization before the activations of convolutions, or of a dense network.",
        used_by=(*BLOCKS, {"architecture": ("mlp",), "dense_units": Above(0)}),
    )
    dropout: float = option(
        0.0,
        "Dropout rate behind each block, hidden dense layer or backbone.",
        (0.0, 0.95),
        (HIDDEN, *BLOCKS, TRANSFER),
    )
    dense_units: int = option(
        128, "Number of units of each hidden dense layer; 0 = no such layer.", (0, 8192), SCRATCH
    )
    dense_layers: int = option(1, "Number of hidden dense layers.", (1, 16), HIDDEN)
    l2: float = option(0.0, "Penalty on every kernel in the training objective.", (0.0, 1.0))
    input_scaling: str = option(
        "unit",
        "Scale of the network's pixels: 0 to 255, 0 to 1, or standardized.",
        words=("none", "unit", "standard"),
        used_by=SCRATCH,
    )
    backbone: str = option(
        "efficientnet_lite0",
        "Pretrained network whose features a new last layer reads.",
        plugins="backbones",
        used_by=TRANSFER,
    )
    weights: str = option(
        "", "File of the backbone's weights; empty = the backbone's own source.", used_by=TRANSFER
    )

    # Data; the first four decide how photos become images
    image_size: int = option(IMAGE_SIZE, "Pixels per side.", IMAGE_SIZES)
    color: bool = option(False, "RGB images; otherwise gray.")
    crop: str = option(
        "garment", "Garment cut out as in Fashion-MNIST, or the whole photo.", words=CROPS
    )
    fit: str = option(
        "stretch",
        "Tall or wide photos: stretched, between gray bands, or cropped in the middle.",
        words=FITS,
        used_by={"crop": ("none",)},
    )
    split: str = option(
        SplitRule.split,
        "Validation images: the last ones, or drawn class by class.",
        words=("last", "stratified"),
    )
    validation_fraction: float = option(
        SplitRule.validation_fraction, "Fraction of the training file for validation.", (0.01, 0.9)
    )
    split_seed: int = option(
        0,
        "Seed of the draws of split=stratified, train_size and folds.",
        (0, 2**31 - 1),
        ({"split": ("stratified",)}, {"train_size": Above(0)}, {"folds": Above(0)}),
    )
    train_size: int = option(
        0, "Number of training images, drawn class by class; 0 = all.", (0, 10_000_000)
    )
    folds: int = option(
        0,
        "Number of folds of the training file, one of which neither trains nor validates but is "
        "held out; 0 = none.",
        (0, MAX_FOLDS),
    )
    fold: int = option(1, "Number of the held-out fold.", (1, MAX_FOLDS), {"folds": Above(0)})

    # Augmentation of training images, fresh every epoch
    flip: bool = option(False, "Mirror half of the images, left to right.", used_by=THAWED)
    max_shift: int = option(
        0, "Largest shift in each direction, in pixels.", (0, IMAGE_SIZES[1] // 2), THAWED
    )
    rotation: float = option(0.0, "Largest rotation either way, in degrees.", (0.0, 180.0), THAWED)
    scale_jitter: float = option(0.0, "Largest change of size, as a fraction.", (0.0, 0.9), THAWED)
    aspect_jitter: float = option(
        0.0, "Largest change of aspect, as a fraction.", (0.0, 1.0), THAWED
    )
    random_erasing: float = option(
        0.0, "Probability of a random rectangle of noise.", (0.0, 1.0), THAWED
    )
    color_jitter: float = option(
        0.0, "Largest change of brightness, contrast and color, as a fraction.", (0.0, 0.9), THAWED
    )
    photo_simulation: float = option(
        0.0,
        "Share of images with the faults of a converted photo.",
        (0.0, 1.0),
        {**THAWED, "crop": ("garment",)},
    )
    augmentation: str = option(
        "",
        "Further augmentation by a plugin; empty = none.",
        plugins="augmentations",
        used_by=THAWED,
    )

    # Optimization
    optimizer: str = option("adam", "Optimizer.", plugins="optimizers")
    learning_rate: float = option(1e-3, "Peak of the schedule.", (1e-8, 10.0), THAWED)
    momentum: float = option(
        0.9,
        "Momentum; of sgd and muon Nesterov's.",
        (0.0, 0.9999),
        {"optimizer": ("sgd", "muon", "rmsprop")},
    )
    schedule: str = option(
        "constant", "Course of the learning rate.", plugins="schedules", used_by=THAWED
    )
    full_rate_steps: int = option(
        0,
        "Number of steps that learning_rate is meant for; fewer take a lower peak, by the root of "
        "their share; 0 = any number.",
        (0, 10_000_000),
        THAWED,
    )
    weight_decay: float = option(
        0.0, "Decoupled decay of kernels, per step and unit of learning rate.", (0.0, 1.0)
    )
    label_smoothing: float = option(
        0.0, "Probability mass spread evenly over the classes.", (0.0, 0.9)
    )
    class_weights: str = option(
        "off",
        "Weights of the classes in the loss: balanced is 1 / number of images, 0.5 its root.",
        words=("off", "0.5", "balanced"),
    )
    batch_size: int = option(64, "Number of images per step.", (1, 65_536))
    epochs: int = option(5, "Number of passes over the training images.", (1, 10_000))
    hard_example_fraction: float = option(
        1.0,
        "Share of images, by their last loss, in each epoch after the first.",
        (0.01, 1.0),
        SCRATCH,
    )
    head_epochs: int = option(
        0,
        "Number of first epochs that train the last layer alone, without augmentation.",
        (0, 10_000),
        TRANSFER,
    )
    head_learning_rate: float = option(
        1e-3, "Learning rate of the frozen epochs.", (1e-8, 10.0), {"head_epochs": Above(0)}
    )
    patience: int = option(
        0,
        "Number of epochs without improvement before training stops and keeps the best; 0 = off.",
        (0, 10_000),
    )
    keep: str = option(
        "last",
        "Epoch whose weights are the result; auto is the best where the last is worse by more than "
        "chance. Patience keeps the best in any case.",
        words=("last", "best", "auto"),
    )
    monitor: str = option(
        "loss", "Validation metric that chooses the best epoch.", words=("loss", "accuracy")
    )
    precision: str = option(
        "float32",
        "Arithmetic of training; auto = bfloat16 where the processor has it.",
        words=("float32", "bfloat16", "auto"),
    )
    seed: int = option(
        0, "Seed of initial weights, image order, augmentation and dropout.", (0, 2**31 - 1)
    )

    def __post_init__(self) -> None:
        for key, declared in OPTIONS.items():
            object.__setattr__(self, key, declared.checked(key, getattr(self, key)))
        refuse_conflicts(self)
        if self.model_options and not is_foreign("architecture", self.architecture):
            raise UsageError(
                f"model.{next(iter(self.model_options))} has no effect with "
                f"architecture={self.architecture}; its options are the fields of the recipe"
            )
        values = self.to_json()
        for key in IN_ORDER:
            if values[key] != OPTIONS[key].default and not OPTIONS[key].is_used(values):
                raise UsageError(OPTIONS[key].refusal(key, values))

    @property
    def image_spec(self) -> ImageSpec:
        """Size, colors, crop and fit of the images."""
        return ImageSpec(self.image_size, self.color, self.crop, self.fit)

    @property
    def split_rule(self) -> SplitRule:
        """Division of the training file into training and validation images."""
        return SplitRule(
            self.split,
            self.validation_fraction,
            self.split_seed,
            self.train_size,
            self.folds,
            self.fold,
        )

    def block_filters(self) -> list[int]:
        """List the number of filters of each block."""
        return [min(self.filters * 2**block, self.max_filters) for block in range(self.blocks)]

    def to_json(self) -> dict[str, Any]:
        """Return the fields; `parse.from_json` turns them back into an equal recipe."""
        return asdict(self)


OPTIONS: Mapping[str, Option] = {
    declared.name: declared.metadata[KEY] for declared in fields(Recipe) if KEY in declared.metadata
}
"""Declaration of every field except `name` and `model_options`."""
IN_ORDER = in_order(OPTIONS)
