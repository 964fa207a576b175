"""Kinds of model files, told by name and by the first bytes."""

from pathlib import Path

from ankleboot.core.errors import ModelError
from ankleboot.core.git import LFS_POINTER

SAVED_MODEL_FILE = "saved_model.pb"
KINDS = {
    ".keras": "keras",
    ".h5": "h5",
    ".hdf5": "h5",
    ".tflite": "tflite",
    ".onnx": "onnx",
}
HINTS = {
    ".pt": "export it with torch.onnx.export",
    ".pth": "export it with torch.onnx.export",
    ".pkl": "a pickle can run any program when it is loaded",
    ".joblib": "a pickle can run any program when it is loaded; export it with skl2onnx",
    ".pb": "name the folder of the SavedModel, or convert a frozen graph of TensorFlow 1",
    ".json": "save the whole model with model.save('model.keras')",
    ".npz": "arrays alone, without the network; save the whole model as .keras",
    ".npy": "arrays alone, without the network; save the whole model as .keras",
    ".zip": "unpack it, and name the model inside",
    ".index": "a checkpoint holds weights alone; save the whole model as .keras",
}
MAX_LISTED = 1000  # entries of a folder in which a model is looked for


def kind_of(path: Path) -> str:
    """Return the kind of a model file or folder by its name.

    Raises:
        ModelError: If it is none that can be adopted; the message says what to do.
    """
    if not path.exists():
        raise ModelError(f"{path}: no such model file")
    if path.is_dir():
        if (path / SAVED_MODEL_FILE).is_file():
            return "saved-model"
        raise ModelError(f"{path}: {_folder_hint(path)}")
    kind, content = KINDS.get(path.suffix.lower()), _kind_of_content(path)
    if content and kind and content != kind:
        raise ModelError(f"{path}: holds a {_suffix(content)} file; rename it to its kind")
    if kind:
        return kind
    expected = "expected a .keras, .h5, .tflite or .onnx file or a SavedModel"
    if content:
        raise ModelError(f"{path}: {expected}; this is a {_suffix(content)} file, so rename it")
    hint = HINTS.get(path.suffix.lower(), "save it as .keras")
    raise ModelError(f"{path}: {expected}; {hint}")


def _suffix(kind: str) -> str:
    return next(suffix for suffix, name in KINDS.items() if name == kind)


def _kind_of_content(path: Path) -> str:
    """Return the kind by the first bytes; "" if they do not tell.

    Raises:
        ModelError: If the file is empty, or stands for one that was not downloaded.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error})") from error
    if not head:
        raise ModelError(f"{path}: an empty file; copy or download it again")
    if head.startswith(LFS_POINTER):
        raise ModelError(f"{path}: a pointer of Git LFS, not the model; run git lfs pull")
    if head.startswith(b"PK") and b"config.json" in head or b"metadata.json" in head[:64]:
        return "keras"
    if head.startswith(b"\x89HDF"):
        return "h5"
    return "tflite" if head[4:8] == b"TFL3" else ""


def _folder_hint(path: Path) -> str:
    """Say which model lies in a folder that is no SavedModel."""
    files = [file for file, _ in zip(path.rglob("*"), range(MAX_LISTED), strict=False)]
    models = sorted(
        str(file) for file in files if file.suffix.lower() in KINDS or file.name == SAVED_MODEL_FILE
    )
    if models:
        names = [name.removesuffix(f"/{SAVED_MODEL_FILE}") for name in models]
        return f"a folder without {SAVED_MODEL_FILE}; name the model inside: {names[0]}"
    if any(file.suffix == ".index" for file in files):
        return "a checkpoint holds weights alone; save the whole model as .keras"
    return f"a folder without {SAVED_MODEL_FILE}; expected a SavedModel"
