"""Names and paths of the models that ship with the package.

pretrained    Fashion-MNIST images: a run folder without its checkpoints. `predict` sends photos
              to the model "photo" instead
pocket        the same, less accurate, with three quarters of the multiplications; zero-shot,
              the recipe `tiny` and two studies build on it
photo         color photos: photo/model.tflite
zero-shot     photos, by an ensemble trained without photos: the model "pocket" and
              zero_shot/model.tflite, on images that the segmentation has cut out
segmentation.tflite  finds the garment on a photo
ood_features.tflite  features of photos, for the out-of-distribution check

The README.md of each folder is a model card. `make pretrained` and its tools rebuild the models.
"""

import os
from pathlib import Path

from ankleboot.core.errors import ModelError
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.text import near_name

PRETRAINED, POCKET, PHOTO, ZERO_SHOT = "pretrained", "pocket", "photo", "zero-shot"
FOLDER = Path(__file__).parent
FOLDERS = {
    PRETRAINED: FOLDER,
    POCKET: FOLDER / "pocket",
    PHOTO: FOLDER / "photo",
    ZERO_SHOT: FOLDER / "zero_shot",
}
MODEL_FILE = "model.tflite"
SEGMENTATION = FOLDER / "segmentation.tflite"
OOD_FEATURES = FOLDER / "ood_features.tflite"


def shipped_folder(model: AnyPath) -> Path | None:
    """Return the folder of a shipped model's name; None if a path of that name exists."""
    return None if expand(model).exists() else FOLDERS.get(os.fspath(model))


def missing_model(model: AnyPath) -> ModelError:
    """Return the error for a model that is not there, with the names of the shipped ones."""
    name = os.fspath(model)
    near = near_name(name, FOLDERS) if name == Path(name).name else ""
    return ModelError(
        f"{name}: no such model file or run folder{near}; shipped models: {', '.join(FOLDERS)}"
    )


def is_shipped(folder: Path) -> bool:
    """Return whether a folder belongs to the package; nothing may be written to it."""
    return folder in FOLDERS.values()


def photo_model(model: AnyPath) -> Path | None:
    """Return the file that predicts photos in place of the model; None if the model does."""
    return FOLDERS[PHOTO] / MODEL_FILE if shipped_folder(model) == FOLDER else None
