"""Allow-list of what the configuration of a foreign Keras model may name.

Keras imports the module that a configuration names and calls the class with its arguments. So only
layers, initializers and the like that compute on arrays are allowed: no Lambda, no layer that reads
files or wraps other frameworks, no class from outside Keras.
"""

from collections.abc import Collection, Iterator
from typing import Any

from ankleboot.core.errors import ModelError
from ankleboot.models.foreign.scanners.limits import most_values

MAX_LAYERS = 2_000  # the largest of keras.applications has 1,039
MAX_DEPTH = 60  # of nested lists and objects

MODELS = "Functional Sequential Model"
LAYERS = """
InputLayer Activation ReLU LeakyReLU PReLU ELU Softmax Identity
Dense Conv1D Conv2D Conv2DTranspose DepthwiseConv2D SeparableConv1D SeparableConv2D
DepthwiseConv1D EinsumDense
MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D
GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D
BatchNormalization LayerNormalization GroupNormalization UnitNormalization RMSNormalization
SpectralNormalization Normalization Rescaling Resizing CenterCrop
Dropout SpatialDropout1D SpatialDropout2D GaussianDropout GaussianNoise AlphaDropout
ActivityRegularization
Flatten Reshape Permute RepeatVector ZeroPadding1D ZeroPadding2D Cropping1D Cropping2D
UpSampling1D UpSampling2D
Add Subtract Multiply Average Maximum Minimum Concatenate Dot
Attention AdditiveAttention MultiHeadAttention GroupQueryAttention
LSTM GRU SimpleRNN LSTMCell GRUCell SimpleRNNCell Bidirectional TimeDistributed RNN Masking
RandomFlip RandomRotation RandomZoom RandomTranslation RandomContrast RandomBrightness RandomCrop
RandomErasing
"""
OPERATIONS = """
Add Subtract Multiply Divide TrueDivide Negative Square Sqrt Rsqrt Mean Max Sum Maximum Minimum
Reshape Transpose Squeeze ExpandDims Concatenate Relu Relu6 Sigmoid Softmax LogSoftmax Tanh Silu
Gelu HardSigmoid HardSilu LogSigmoid Softplus GetItem Cast Power Absolute Clip Flip Flatten
"""
OTHERS = """
GlorotUniform GlorotNormal HeUniform HeNormal LecunUniform LecunNormal Zeros Ones Constant
RandomNormal RandomUniform TruncatedNormal VarianceScaling Orthogonal OrthogonalInitializer Identity
L1 L2 L1L2 OrthogonalRegularizer MaxNorm NonNeg UnitNorm MinMaxNorm
DTypePolicy FloatDTypePolicy Policy
SeedGenerator
__keras_tensor__ __numpy__ __slice__ __ellipsis__
"""
ALLOWED = frozenset(" ".join((MODELS, LAYERS, OPERATIONS, OTHERS)).split())
MODEL_CLASSES = frozenset(MODELS.split())
SIZES = ("units", "filters", "output_dim", "num_heads", "key_dim", "value_dim")
"""Arguments that decide how many weights a layer allocates when it is built; each is the length of
an axis of these weights."""

GEOMETRY = (
    "size pool_size kernel_size strides dilation_rate padding cropping height width n "
    "depth_multiplier groups"
).split()
"""Arguments that decide how large the feature maps are."""

MAX_GEOMETRY = 4_096
INPUT_SHAPES = ("batch_shape", "batch_input_shape")

CODE = {"Lambda": "a Lambda layer runs a program", "TFSMLayer": "it loads a graph of its own"}
UNREAD = frozenset(("compile_config", "build_config"))
"""Entries that loading without compilation does not deserialize."""


def check_config(config: dict[str, Any], num_values: int, axes: Collection[int]) -> None:
    """Check the configuration of a model.

    Args:
        config: Configuration, as Keras stores it.
        num_values: Number of weights that the file holds.
        axes: Lengths of the axes of these weights.

    Raises:
        ModelError: If it names anything outside the list, has too many layers, or asks for layers
            or inputs of sizes that the file has no weights for.
    """
    if config.get("class_name") not in MODEL_CLASSES:
        raise ModelError(
            f"the model is a {config.get('class_name')!r}; expected a Sequential or functional "
            "model, whose layers Keras can rebuild without your code"
        )
    num_layers = 0
    for entry in _objects(config, 0):
        _check_object(entry)
        arguments = entry.get("config")
        if isinstance(arguments, dict):
            layers = arguments.get("layers")
            num_layers += len(layers) if isinstance(layers, list) else 0
            _check_sizes(entry["class_name"], arguments, num_values, axes)
            _check_geometry(entry["class_name"], arguments)
        if num_layers > MAX_LAYERS:
            raise ModelError(f"has {num_layers:,} layers; at most {MAX_LAYERS:,} are allowed")


def _objects(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield every object that Keras would deserialize, from the outside in."""
    if depth > MAX_DEPTH:
        raise ModelError("its configuration is nested too deeply")
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for key, child in value.items():
            if key not in UNREAD:
                yield from _objects(child, depth + 1)
    elif isinstance(value, list):
        for child in value:
            yield from _objects(child, depth + 1)


def _check_object(entry: dict[str, Any]) -> None:
    name, module = entry["class_name"], entry.get("module")
    registered = entry.get("registered_name")
    is_ours = module is None or module == "builtins" or str(module).split(".")[0] == "keras"
    if not is_ours or registered not in (None, name) or not isinstance(name, str):
        source = module if module and not is_ours else registered
        raise ModelError(
            f"{name!r} comes from {source}, not from Keras: its code is not in the file and would "
            "have to be run; rebuild the model from Keras' own layers"
        )
    if name not in ALLOWED:
        reason = CODE.get(name, "it is not among the layers of image classifiers")
        raise ModelError(f"{name!r} is not allowed: {reason}")


def _check_sizes(name: str, config: dict[str, Any], num_values: int, axes: Collection[int]) -> None:
    for key in SIZES:
        size = config.get(key)
        if isinstance(size, int) and (size > max(num_values, 1) or size > max(axes, default=1)):
            raise ModelError(f"{name}: {key}={size:,}, but the file holds {num_values:,} weights")


def _check_geometry(name: str, config: dict[str, Any]) -> None:
    for key in GEOMETRY:
        if (largest := max(_integers(config.get(key)), default=0)) > MAX_GEOMETRY:
            raise ModelError(f"{name}: {key}={largest:,}; at most {MAX_GEOMETRY:,} is allowed")
    for key in INPUT_SHAPES:
        shape = config.get(key)
        most_values(_integers(shape[1:] if isinstance(shape, list) else shape))
    most_values(_integers(config.get("target_shape")))


def _integers(value: Any) -> list[int]:
    """Return the sizes of a number or a nested list; 1 for each that is open."""
    if isinstance(value, list):
        return [number for item in value for number in _integers(item)]
    is_size = isinstance(value, int) and not isinstance(value, bool)
    return [abs(value) or 1] if is_size else []
