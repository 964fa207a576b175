"""The model that ships with the package: a run folder without its checkpoints.

README.md is its model card; `tools/make_pretrained.py` makes it anew.
"""

from pathlib import Path

NAME = "pretrained"  # stands for the shipped model wherever a command takes a model
FOLDER = Path(__file__).parent
LITERT = "model.tflite"


def resolve(path: Path, member: str = "") -> Path:
    """Turn the name "pretrained" into the shipped folder, or a file in it; leave all else alone."""
    if str(path) == NAME and not path.exists():
        return FOLDER / member
    return path
