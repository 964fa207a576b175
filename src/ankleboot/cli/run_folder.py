"""What commands do with a run's folder: find the model, save figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def place_of(model: Path) -> Path:
    """Where a model that the user named is; "pretrained" is the shipped one.

    Raises:
        ModelError: If there is nothing.
    """
    from ankleboot.core.errors import ModelError
    from ankleboot.models.pretrained import catalog

    place = catalog.shipped_folder(model) or model
    if not place.exists():
        raise ModelError(f"{model}: no such model file or run folder")
    return place


def save_figure(figure: Figure, path: Path) -> None:
    """Write a matplotlib figure in one step."""
    from ankleboot.core.files import atomic_write
    from ankleboot.core.silence import without_glyph_warnings

    with without_glyph_warnings():
        atomic_write(path, lambda temp: figure.savefig(temp, dpi=110), suffix=path.suffix)
