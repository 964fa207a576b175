"""What commands do with a run's folder: find the data it was made from, save figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ankleboot.models.run import Run


def data_of(run: Run) -> str:
    """The data a run was trained on, as `load` wants it: a name, or the user's own folder."""
    from ankleboot.core.paths import cache_folder

    manifest = run.manifest()
    if "pictures" in manifest:
        return str(manifest["data_source"])  # also if it is gone: then that is what to say
    source = Path(manifest["data_source"])
    own_folder = source.is_dir() and source != cache_folder("fashion-mnist")
    return str(source if own_folder else manifest["data"]["name"])


def place_of(model: Path) -> Path:
    """Where a model that the user named is; "pretrained" is the shipped one.

    Raises:
        ModelError: If there is nothing.
    """
    from ankleboot.core.errors import ModelError
    from ankleboot.models.pretrained import catalog

    place = catalog.resolve(model)
    if not place.exists():
        raise ModelError(f"{model}: no such model file or run folder")
    return place


def save_figure(figure: Figure, path: Path) -> None:
    """Write a matplotlib figure in one step."""
    from ankleboot.core.files import atomic_write
    from ankleboot.core.silence import without_glyph_warnings

    with without_glyph_warnings():
        atomic_write(path, lambda temp: figure.savefig(temp, dpi=110), suffix=path.suffix)
