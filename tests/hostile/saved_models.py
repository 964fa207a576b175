"""Hostile SavedModels, sealed as ours; TensorFlow writes them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ankleboot.models.files.checksums import add_folder_checksums
from ankleboot.models.files.metadata import ModelMetadata
from hostile.hostile_file import HostileFile
from hostile.keras_writers import MARKER


def saved_model(path: Path, act: Callable[[Any, Path], Any]) -> None:
    """Write a classifier that does something else too, whenever it predicts."""
    import tensorflow as tf

    module = tf.Module()
    marker = path.with_name(MARKER)

    @tf.function(input_signature=[tf.TensorSpec((None, 28, 28), tf.uint8, name="images")])  # type: ignore[untyped-decorator]
    def serve(images: Any) -> dict[str, Any]:
        with tf.control_dependencies([act(tf, marker)]):
            rows = tf.cast(tf.reshape(images, (-1, 784)), tf.float32)
            return {"probs": tf.nn.softmax(rows[:, :10])}

    tf.saved_model.save(module, str(path), signatures={"serving_default": serve})
    add_folder_checksums(path, ModelMetadata(format="saved-model"))


def _write(tf: Any, marker: Path) -> Any:
    return tf.io.write_file(str(marker), "x")


def _read(tf: Any, _: Path) -> Any:
    return tf.strings.length(tf.io.read_file("/etc/passwd"))


def _save(tf: Any, marker: Path) -> Any:
    """An operation that every SavedModel has, for its variables."""
    return tf.raw_ops.SaveV2(
        prefix=str(marker), tensor_names=["a"], shape_and_slices=[""], tensors=[tf.zeros(1)]
    )


SAVED_MODELS = tuple(
    HostileFile(
        name,
        attempt,
        f"the operation {operation} is not allowed",
        partial(saved_model, act=act),
        reaches_runtime=True,
        needs_tensorflow=True,
    )
    for name, attempt, operation, act in (
        ("writes", "writes a file whenever it predicts", "WriteFile", _write),
        ("reads", "reads a file whenever it predicts", "ReadFile", _read),
        ("saves", "writes a file as if it saved itself", "SaveV2", _save),
    )
)
