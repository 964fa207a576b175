"""Fields of a recipe that decide the network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ankleboot.recipes.cases import BLOCKS, CNN, HIDDEN, REPEATED, SCRATCH, TRANSFER
from ankleboot.recipes.option import Above, option
from ankleboot.recipes.search_range import Around, Between, Each


@dataclass(frozen=True, kw_only=True)
class NetworkFields:
    """Network: [convolution(s), normalization, activation, pooling] x blocks, dense, softmax."""

    architecture: str = option("cnn", "Architecture.", plugins="architectures")
    model_options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Options of a plugin architecture, set by `--set model.KEY=VALUE`."""
    blocks: int = option(2, "Number of blocks.", (1, 5), CNN)
    filters: int = option(
        32,
        "Number of filters of the first block; every further block doubles it.",
        (1, 1024),
        CNN,
        search=Around(2),
    )
    max_filters: int = option(8192, "Largest number of filters of a block.", (1, 8192), CNN)
    convs_per_block: int = option(
        1, "Number of convolutions per block.", (1, 8), BLOCKS, search=Between(1, 3)
    )
    kernel_size: int = option(3, "Side of a kernel in pixels.", (1, 11), BLOCKS)
    convolution: str = option(
        "standard",
        "Kind of each convolution behind the first; separable is one kernel per channel and a "
        "1 x 1 convolution.",
        words=("standard", "separable"),
        used_by=BLOCKS,
    )
    residual: bool = option(
        False,
        "Skip connections around each convolution of a block behind its first, which then pools.",
        used_by=REPEATED,
        search=Each(),
    )
    squeeze_excitation: bool = option(
        False,
        "Weights of a block's channels, computed from their means.",
        used_by=BLOCKS,
        search=Each(),
    )
    global_pooling: str = option(
        "none",
        "Reduction of the last feature maps to one number per channel.",
        words=("none", "average", "max"),
        used_by=CNN,
    )
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
        search=Each(),
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
        search=Each(),
    )
    negative_slope: float = option(
        0.1, "Slope for negative inputs.", (0.0, 1.0), {"activation": ("leaky_relu",)}
    )
    batch_norm: bool = option(
        False,
        "Batch normalization before the activations of convolutions, or of a dense network.",
        used_by=(*BLOCKS, {"architecture": ("mlp",), "dense_units": Above(0)}),
        search=Each(),
    )
    dropout: float = option(
        0.0,
        "Dropout rate behind each block, hidden dense layer or backbone.",
        (0.0, 0.95),
        (HIDDEN, *BLOCKS, TRANSFER),
        search=Between(0, 0.5),
    )
    dense_units: int = option(
        128,
        "Number of units of each hidden dense layer; 0 = no such layer.",
        (0, 8192),
        SCRATCH,
        search=Around(4),
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
    frozen_stages: int = option(
        0,
        "Halvings of the image up to which the backbone keeps its weights, when all else learns: 3 "
        "freezes all maps of an eighth of the image's side and larger.",
        (0, 5),
        used_by=TRANSFER,
    )
