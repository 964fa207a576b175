"""Loading of data sets by name, folder or import string.

Images stay uint8, in memory (55 MB for Fashion-MNIST) or, for image folders, on the disk.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ankleboot.core import plugins
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.paths import cache_folder
from ankleboot.data.dataset import Dataset
from ankleboot.data.fashion_mnist.load import has_idx_files, load_idx_folder
from ankleboot.data.image_folder.report import LAYOUT
from ankleboot.data.verify_data import verify_folder_unchanged
from ankleboot.models.run import Run
from ankleboot.recipes.image_spec import ImageSpec

Progress = Callable[[str], None]
"""Function that receives a line before work that takes long."""


def no_progress(line: str) -> None:
    """Ignore a line of progress."""


def load_data(
    name: str = "fashion-mnist",
    *,
    image_spec: ImageSpec | None = None,
    skip_bad: bool = False,
    strict: bool = False,
    trust: bool = True,
    progress: Progress = no_progress,
) -> Dataset:
    """Load a data set; Fashion-MNIST is fetched into the cache if it is not there.

        data = ankleboot.load_data("sample")        # 2,500 images that ship with the package
        data = ankleboot.load_data("pets", image_spec=ImageSpec(64, color=True, crop="none"))

    Args:
        name: "fashion-mnist", "sample" or another data set of `core/plugins.py`; an image folder
            with a sub-folder for every class; a folder with the four IDX files of Fashion-MNIST,
            plain or .gz; or "package.module:load".
        image_spec: Size, colors and crop of the images; None for those of Fashion-MNIST: one
            garment, 28 x 28, gray.
        skip_bad: Leave out images of a folder that cannot be decoded; otherwise they are an error.
        strict: Refuse a folder with an image in more than one split.
        trust: Whether a name may import code from outside the package.
        progress: Function that receives a line before work that takes long.

    Raises:
        DataError: If content is wrong; the message names the file and the reason.
        EnvironmentFailure: If no source can be reached, or the cache cannot be written.
        ModelError: If the data set is code from outside the package and `trust` is False.
        UsageError: If there is no such data set, or it cannot have such images.
    """
    spec, folder = image_spec or ImageSpec(), Path(name)
    if is_image_folder(name):
        from ankleboot.data.image_folder.load import load_image_folder  # here: imports decoders

        return load_image_folder(folder, spec, skip_bad=skip_bad, strict=strict, progress=progress)
    if skip_bad or strict:
        raise UsageError(f"--skip-bad and --strict are for image folders; {name} is none")
    if plugins.is_name("datasets", name) and not (":" in name and folder.is_dir()):
        return _load_by_name(name, spec, trust)
    if not folder.is_dir():
        known = ", ".join(plugins.names("datasets"))
        raise UsageError(
            f"--data {name}: no such folder; expected {known}, an image folder ({LAYOUT}), a "
            "folder with the four IDX files, or package.module:load"
        )
    return load_idx_folder(folder, spec)


def load_training_data(
    run: Run,
    name: str | None = None,
    *,
    image_spec: ImageSpec | None = None,
    skip_bad: bool = False,
    trust: bool = False,
    **options: Any,
) -> Dataset:
    """Load the data that a run was trained on.

    Args:
        run: Run whose manifest names the data.
        name: Data set to load in place of the one that the manifest names.
        image_spec: Size, colors and crop of the images; None for those of the run's recipe.
        skip_bad: On in any case if the run was trained without unreadable images.
        trust: Whether the manifest's data set may import code from outside the package.
        **options: As for `load_data`.

    Raises:
        DataError: If the run's image folder has changed since the training.
        Others: See `load_data`.
    """
    named = name or training_data_name(run)
    had_unreadable = is_image_folder(named) and run.manifest().get("num_unreadable", 0) > 0
    data = load_data(
        named,
        image_spec=image_spec or run.recipe().image_spec,
        skip_bad=skip_bad or had_unreadable,
        trust=trust or name is not None,
        **options,
    )
    verify_folder_unchanged(run, data)
    return data


def training_data_name(run: Run) -> str:
    """Return the name that makes `load_data` load a run's data: a data set or a folder."""
    manifest = run.manifest()
    name, source = str(manifest["data"]["name"]), str(manifest["data_source"])
    if "image_counts" in manifest:
        return source  # also if the folder is gone, so that the message names it
    is_idx_folder = name == "fashion-mnist" and Path(source).is_dir()
    return source if is_idx_folder and Path(source) != cache_folder(name) else name


def is_image_folder(name: str) -> bool:
    """Check if `load_data` reads the name as an image folder."""
    is_folder = name not in plugins.names("datasets") and Path(name).is_dir()
    return is_folder and not has_idx_files(Path(name))


def _load_by_name(name: str, image_spec: ImageSpec, trust: bool) -> Dataset:
    """Load a data set of a plug-in; its name becomes the one that loads it again."""
    data = plugins.resolve("datasets", name, trust=trust)(image_spec)
    if not isinstance(data, Dataset):
        raise UsageError(f"data set {name}: expected a Dataset, got {type(data).__name__}")
    labels, last = data.train.labels, len(data.class_names) - 1
    if not len(labels) or not 0 <= labels.min() <= labels.max() <= last:
        raise DataError(f"data set {name}: expected training images with labels from 0 to {last}")
    return replace(data, name=name)
