"""Loading of data sets by name, folder or import string.

Images stay uint8, in memory (55 MB for Fashion-MNIST) or, for image folders, on the disk.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ankleboot.core import plugins
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.paths import AnyPath, cache_folder, expand
from ankleboot.data.dataset import Dataset
from ankleboot.data.fashion_mnist.load import has_idx_files
from ankleboot.data.image_folder.report import LAYOUT
from ankleboot.data.verify_data import verify_folder_unchanged
from ankleboot.models.run import Run
from ankleboot.recipes.image_spec import ImageSpec

BUILT_IN_DATA = ("fashion-mnist", "sample")

Progress = Callable[[str], None]
"""Function that receives a line before work that takes long."""


def no_progress(line: str) -> None:
    """Ignore a line of progress."""


def load_data(
    name: AnyPath = "fashion-mnist",
    *,
    image_spec: ImageSpec | None = None,
    skip_bad: bool = False,
    strict: bool = False,
    trust: bool = True,
    labels: AnyPath | None = None,
    groups: AnyPath | None = None,
    for_training: bool = True,
    progress: Progress = no_progress,
) -> Dataset:
    """Load a data set; Fashion-MNIST is fetched into the cache if it is not there.

        data = ankleboot.load_data("sample")        # 2,500 images that ship with the package
        data = ankleboot.load_data("pets", image_spec=ImageSpec(64, color=True, crop="none"))

    Args:
        name: "fashion-mnist", "sample" or another data set of `core/plugins.py`; an image folder
            with a sub-folder for every class; a table of images (.csv, .jsonl, .parquet, .npz) or
            a .zip of any of these, see docs/data.md; a folder with IDX files, plain or .gz; or
            "package.module:load".
        image_spec: Size, colors and crop of the images; None for those of Fashion-MNIST: one
            garment, 28 x 28, gray.
        skip_bad: Leave out images of a folder that cannot be decoded; otherwise they are an error.
        strict: Refuse images or groups that are in more than one split.
        trust: Whether a name may import code from outside the package.
        labels: Label file that corrects the labels of training and validation images, such as
            `ankleboot label` writes; the test split keeps its labels.
        groups: CSV file with the columns path and group: images of one group (a patient, a
            photographer) stay on one side of a split.
        for_training: Whether images of your own must have two classes, and two images of each; a
            finished model is judged on any.
        progress: Function that receives a line before work that takes long.

    Raises:
        DataError: If content is wrong; the message names the file and the reason.
        EnvironmentFailure: If no source can be reached, or the cache cannot be written.
        ModelError: If the data set is code from outside the package and `trust` is False.
        UsageError: If there is no such data set, or it cannot have such images.
    """
    if labels is not None:
        from ankleboot.data.labels import correct_labels

        options: dict[str, Any] = {"skip_bad": skip_bad, "strict": strict, "trust": trust}
        options |= {"groups": groups, "for_training": for_training}
        loaded = load_data(name, image_spec=image_spec, progress=progress, **options)
        return correct_labels(loaded, labels)
    spec, text, path = image_spec or ImageSpec(), os.fspath(name), expand(name)
    if plugins.is_name("datasets", text) and not (":" in text and path.exists()):
        if skip_bad or strict or groups is not None:
            raise UsageError(
                f"--skip-bad, --strict and --groups are for images of your own; {text} is a known "
                "data set"
            )
        return _load_by_name(text, spec, trust)
    check_data_name(name)
    from ankleboot.data.image_folder.load import LoadOptions, load_own_images  # imports decoders

    own = LoadOptions(spec, skip_bad, strict, progress, groups, for_training)
    return load_own_images(path, own)


def check_data_name(name: AnyPath) -> None:
    """Refuse a name that is neither a data set's nor that of a file or folder; nothing is loaded.

    Raises:
        UsageError: If there is no such data set.
    """
    if plugins.is_name("datasets", os.fspath(name)) or expand(name).exists():
        return
    known = ", ".join(plugins.names("datasets"))
    raise UsageError(
        f"--data {os.fspath(name)}: no such file or folder; expected {known}, an image folder "
        f"({LAYOUT}), a table (.csv, .jsonl, .parquet, .npz), a .zip of these, a folder with IDX "
        "files, or package.module:load"
    )


def load_training_data(
    run: Run,
    name: str | None = None,
    *,
    image_spec: ImageSpec | None = None,
    skip_bad: bool = False,
    trust: bool = False,
    labels: AnyPath | None = None,
    groups: AnyPath | None = None,
    **options: Any,
) -> Dataset:
    """Load the data that a run was trained on, its classes in the order that the run has them.

    Args:
        run: Run whose manifest names the data.
        name: Data set to load in place of the one that the manifest names.
        groups: File of groups; by default that of the manifest for the data that it names.
        image_spec: Size, colors and crop of the images; None for those of the run's recipe.
        skip_bad: On in any case if the run was trained without unreadable images.
        trust: Whether the manifest's data set may import code from outside the package.
        labels: Label file in place of the copy in the run's folder, if that has one.
        **options: As for `load_data`.

    Raises:
        DataError: If the run's own images have changed since the training.
        UsageError: If they are no longer where they were.
        Others: See `load_data`.
    """
    manifest, named = run.manifest(), name or training_data_name(run)
    if name is None:
        _refuse_moved(run, named)
        groups = groups or manifest.get("group_file")
    is_own = "image_counts" in manifest and named not in plugins.names("datasets")
    had_unreadable = is_own and manifest.get("num_unreadable", 0) > 0
    data = load_data(
        named,
        groups=groups,
        image_spec=image_spec or run.recipe().image_spec,
        skip_bad=skip_bad or had_unreadable,
        trust=trust or name is not None,
        for_training=False,
        **options,
    )
    data = data.in_class_order(manifest.get("labels", data.class_names))
    verify_folder_unchanged(run, data)
    is_same = data.train_sha256 == manifest["data"]["train_sha256"]
    if labels is None and manifest.get("label_file") and is_same:
        labels = run.label_path
    if labels is not None:
        from ankleboot.data.labels import correct_labels

        data = correct_labels(data, labels)
    return data


def training_data_name(run: Run) -> str:
    """Return the name that makes `load_data` load a run's data: a data set or a folder."""
    manifest = run.manifest()
    name, source = str(manifest["data"]["name"]), str(manifest["data_source"])
    if not name:
        raise UsageError(f"{run.folder} was adopted without data; name them with --data")
    if "image_counts" in manifest:
        return source  # also if the folder is gone, so that the message names it
    is_known = name in BUILT_IN_DATA and os.path.isabs(source) and Path(source).exists()
    return source if is_known and Path(source) != cache_folder(name) else name


def is_image_folder(name: AnyPath) -> bool:
    """Check if `load_data` reads the name as the user's own image files, in a folder or a table."""
    path = expand(name)
    if str(name) in plugins.names("datasets") or not path.exists():
        return False
    if path.is_dir():
        return not has_idx_files(path)
    from ankleboot.data.tables.sources import holds_image_files

    return holds_image_files(path)


def _refuse_moved(run: Run, path: str) -> None:
    """Say whose path it is that is no longer there."""
    if "image_counts" in run.manifest() and not Path(path).exists():
        raise UsageError(
            f"{run.folder} was trained on {path}, which is not there any more; if the images have "
            "moved, name their new place with --data"
        )


def _load_by_name(name: str, image_spec: ImageSpec, trust: bool) -> Dataset:
    """Load a data set of a plug-in; its name becomes the one that loads it again."""
    data = plugins.resolve("datasets", name, trust=trust)(image_spec)
    if not isinstance(data, Dataset):
        raise UsageError(f"data set {name}: expected a Dataset, got {type(data).__name__}")
    labels, last = data.train.labels, len(data.class_names) - 1
    if not len(labels) or not 0 <= labels.min() <= labels.max() <= last:
        raise DataError(f"data set {name}: expected training images with labels from 0 to {last}")
    return replace(data, name=name)
