"""Conversion of a foreign TensorFlow SavedModel to `.tflite`, after a check of its graph.

A SavedModel is a program: its graph can read and write files. So the operations of everything that
loading or serving runs must be on a list, and the result is a `.tflite` file, whose operations can
only compute.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ankleboot.core.errors import ModelError, first_line
from ankleboot.core.silence import silenced
from ankleboot.models.foreign.kinds import SAVED_MODEL_FILE

COMPUTE = frozenset(
    """
Add AddV2 ArgMax AvgPool BatchMatMul BatchMatMulV2 BiasAdd Cast Concat ConcatV2 Const Conv2D
DepthToSpace DepthwiseConv2dNative Div DivNoNan Einsum Elu Equal Erf Exp ExpandDims Fill Floor
FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 GatherV2 Greater GreaterEqual Identity IdentityN
LeakyRelu Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max MaxPool
Maximum Mean Min Minimum MirrorPad Mul Neg NoOp OnesLike Pack Pad PadV2 PartitionedCall Placeholder
PlaceholderWithDefault Pow Prod Range Rank RealDiv Relu Relu6 Reshape ResizeBilinear
ResizeNearestNeighbor Round Rsqrt Select SelectV2 Selu Shape Sigmoid Sign Slice Softmax Softplus
Softsign SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze StatefulPartitionedCall
StatelessIf StopGradient StridedSlice Sub Sum Tanh Tile Transpose Unpack ZerosLike
AssignVariableOp DisableCopyOnRead ReadVariableOp VarHandleOp VarIsInitializedOp
""".split()
)
"""Operations that serving may run."""

STORAGE = frozenset(
    """
MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch StringJoin
""".split()
)
"""Operations of the functions that save and restore variables, which every SavedModel has."""

SIGNATURE = "serving_default"
INITIALIZATION = "__saved_model_init_op"  # a signature that loading runs
INITIALIZERS = ("saved_model_main_op", "legacy_init_op")
"""Collections of operations that loading runs."""

REFUSED_OBJECTS = ("resource", "asset", "captured_tensor")
"""Objects whose functions loading runs, or that stand for files."""


def check_graph(folder: Path) -> None:
    """Refuse a graph with an operation outside the lists.

    Raises:
        ModelError: If there is one, or the file is damaged.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    document = saved_model_pb2.SavedModel()
    try:
        document.ParseFromString((folder / SAVED_MODEL_FILE).read_bytes())
    except DecodeError as error:
        raise ModelError(f"{folder}: damaged SavedModel") from error
    served = [meta for meta in document.meta_graphs if "serve" in meta.meta_info_def.tags]
    if len(served) != 1 or SIGNATURE not in served[0].signature_def:
        raise ModelError(
            f"{folder}: expected one graph with the signature {SIGNATURE}, as model.export writes"
        )
    _check_objects(folder, served[0])
    graph = served[0].graph_def
    functions = {function.signature.name: function for function in graph.library.function}
    _refuse(folder, graph.node, COMPUTE | STORAGE)
    for function in functions.values():
        _refuse(folder, function.node_def, COMPUTE | STORAGE)
    nodes = {node.name: node for node in graph.node}
    run = [served[0].signature_def[name] for name in (SIGNATURE, INITIALIZATION)]
    names = {tensor.name.partition(":")[0] for one in run for tensor in one.outputs.values()}
    for key in INITIALIZERS:
        values = served[0].collection_def[key].node_list.value
        names |= {value.lstrip("^").partition(":")[0] for value in values}
    start = [nodes[name] for name in names if name in nodes]
    _refuse(folder, _reachable(start, nodes, functions), COMPUTE)


def _check_objects(folder: Path, graph: Any) -> None:
    """Refuse what loading runs beside the signatures: initializers and own ways of restoring."""
    objects = graph.object_graph_def.nodes
    if not objects:
        raise ModelError(f"{folder}: made by TensorFlow 1; save it again with model.export")
    for entry in objects:
        if (kind := entry.WhichOneof("kind")) in REFUSED_OBJECTS:
            raise ModelError(f"{folder}: holds an object of the kind {kind}; save it as .keras")
        if entry.registered_saver or entry.registered_name or entry.saveable_objects:
            raise ModelError(f"{folder}: restores itself by a program; save it as .keras")


def _refuse(folder: Path, nodes: Iterable[Any], allowed: frozenset[str]) -> None:
    if unknown := sorted({node.op for node in nodes} - allowed):
        raise ModelError(
            f"{folder}: the operation {unknown[0]} is not allowed; save the model as .keras"
        )


def _reachable(start: list[Any], nodes: dict[str, Any], functions: dict[str, Any]) -> Iterator[Any]:
    """Yield the nodes that the outputs depend on, those of called functions among them."""
    remaining, seen = list(start), set()
    while remaining:
        node = remaining.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        for name in node.input:
            if (source := nodes.get(name.lstrip("^").partition(":")[0])) is not None:
                remaining.append(source)
        for attribute in node.attr.values():
            if (called := functions.get(attribute.func.name)) is not None:
                remaining.extend(called.node_def)


def convert(folder: Path, target: Path) -> None:
    """Write the served function of a checked SavedModel as `.tflite`.

    Its variables become constants first: the converter loses those that `tf.saved_model.save`
    tracks outside a Keras export, and the model then returns no numbers.

    Raises:
        ModelError: If the converter does not support it.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    try:
        with silenced(show_failures=False):
            loaded = tf.saved_model.load(str(folder))
            function = convert_variables_to_constants_v2(loaded.signatures[SIGNATURE])
            converter = tf.lite.TFLiteConverter.from_concrete_functions([function], loaded)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            target.write_bytes(converter.convert())
    except Exception as error:  # many types, for graphs that it does not support
        raise ModelError(
            f"{folder}: cannot be converted ({first_line(error)}); save the model as .keras"
        ) from error
