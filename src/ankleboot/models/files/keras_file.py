"""Loading of the network in a `.keras` file."""

import io
from pathlib import Path
from typing import Any

from ankleboot.core.boundary import library_errors
from ankleboot.core.errors import ModelError
from ankleboot.core.silence import import_keras
from ankleboot.models.files.checksums import MAX_FOLDER_BYTES, read_model


def load_network(path: Path) -> Any:
    """Load a network, from bytes that are read once.

    Keras' public function takes a path alone; it opens the file twice, calls a failed read a
    missing file, and may find another file than the one that was scanned.

    Raises:
        EnvironmentFailure: If the file cannot be read.
        ModelError: If Keras cannot load it.
    """
    content = read_model(path, MAX_FOLDER_BYTES)
    import_keras()  # after the read: a missing file is reported before TensorFlow is imported
    from keras.src.saving import saving_lib

    def describe(reason: str) -> ModelError:
        return ModelError(f"{path}: not a model that can be loaded safely ({reason})")

    with library_errors(describe):
        return saving_lib.load_model(io.BytesIO(content), compile=False, safe_mode=True)
