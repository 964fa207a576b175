"""The models that ship with the package.

pretrained    images of 28 x 28 pixels: a run folder without its checkpoints; for photographs
              `predict` asks the model "photo" in its place
photo         photographs, in color: photo/model.tflite
zero-shot     photographs, cut out and converted, by networks that never learned from one: the model
              above and zero_shot/model.tflite
segmentation.tflite  finds the garment on a photograph

Each folder's README.md is a model card; `make pretrained` and the tools it names make them anew.
"""

from pathlib import Path

NAME = "pretrained"  # stands for the shipped model wherever a command takes a model
FOLDER = Path(__file__).parent
LITERT = "model.tflite"
SEGMENTATION = FOLDER / "segmentation.tflite"
PHOTO, ZERO_SHOT = "photo", "zero-shot"
NAMES = {NAME: FOLDER, PHOTO: FOLDER / "photo", ZERO_SHOT: FOLDER / "zero_shot"}


def resolve(path: Path, member: str = "") -> Path:
    """Turn a shipped model's name into its folder, or a file in it; leave all else alone."""
    if str(path) in NAMES and not path.exists():
        return NAMES[str(path)] / member
    return path


def is_shipped(folder: Path) -> bool:
    """Whether it is one of the package's own, in which nothing is written."""
    return folder in NAMES.values()


def photo_model(path: Path) -> Path | None:
    """The file that answers about photographs where "pretrained" was asked for."""
    return NAMES[PHOTO] / LITERT if str(path) == NAME and not path.exists() else None
