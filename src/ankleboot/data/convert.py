"""Conversion of any data set to a clean folder or a Parquet file.

    convert_data("labels.csv", "pets")               # pets/cat/1.jpg, pets/dog/2.jpg, ...
    convert_data("fashion-mnist", "fashion.parquet")

Files keep their bytes; pixels become PNG. A folder with splits has train/, validation/ and test/.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ankleboot.core import plugins
from ankleboot.core.csv_text import csv_text
from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.temporary import moved_to
from ankleboot.core.text import folder_name
from ankleboot.data.dataset import Dataset
from ankleboot.data.image_folder.content import read_hashed
from ankleboot.data.image_folder.listing import ImageFile
from ankleboot.data.image_folder.load import LoadOptions, check_listing, grouped_listing
from ankleboot.data.load import Progress, load_data, no_progress
from ankleboot.data.tables.sources import read_source
from ankleboot.recipes.image_spec import ImageSpec

GROUP_FILE = "groups.csv"
SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "HEIF": ".heic"}
"""Suffix by Pillow's name of a format; that of others is the name."""


@dataclass(frozen=True)
class Conversion:
    """Folder or file that was written, and the number of its images by split."""

    path: Path
    images: dict[str, int]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the document of `data convert --json`."""
        return asdict(self) | {"path": str(self.path)}


def convert_data(
    source: AnyPath,
    destination: AnyPath,
    *,
    skip_bad: bool = False,
    strict: bool = False,
    groups: AnyPath | None = None,
    trust: bool = True,
    progress: Progress = no_progress,
) -> Conversion:
    """Write a data set as a folder of classes, or as a Parquet file.

    Args:
        source: As the name of `load_data`.
        destination: New or empty folder, or a new file that ends in .parquet.
        skip_bad: Leave out images that cannot be read; otherwise they are an error.
        strict: Refuse images or groups that are in more than one split.
        groups: As for `load_data`; the destination has them as well.
        trust: Whether a name may import code from outside the package.
        progress: Function that receives a line before work that takes long.

    Raises:
        DataError: If the source is damaged, or see `load_data`.
        EnvironmentFailure: If the destination cannot be written, or pyarrow is missing.
        UsageError: If the destination exists, or two classes would share a folder.
    """
    target = expand(destination)
    is_table = target.suffix.lower() == ".parquet"
    if target.exists() and (is_table or not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target}: exists already; name a new folder or file")
    options = LoadOptions(ImageSpec(crop="none"), skip_bad, strict, progress, groups)
    files, class_names, notes = _files(source, options, trust)
    write = _write_parquet if is_table else _write_folder
    with moved_to(target) as written:
        notes += write(files, class_names, written)
    splits = [file.split for file in files]
    counts = {split: splits.count(split) for split in dict.fromkeys(splits)}
    return Conversion(target, counts, tuple(notes))


def _files(
    name: AnyPath, options: LoadOptions, trust: bool
) -> tuple[list[ImageFile], tuple[str, ...], list[str]]:
    """Return the images that can be read, the classes and notes."""
    path = expand(name)
    if path.exists() and str(name) not in plugins.names("datasets"):
        path = path.resolve()
        source = read_source(path)
        if source.listing is not None:
            listing = grouped_listing(path, source.listing, options)
            files, _, report = check_listing(path, listing, options)
            return files, listing.class_names, list(report.warnings)
    data = load_data(
        name, skip_bad=options.skip_bad, strict=options.strict, groups=options.groups, trust=trust
    )
    return list(_rows(data)), data.class_names, []


def _rows(data: Dataset) -> Iterator[ImageFile]:
    validation = set(data.validation.tolist()) if data.validation is not None else set()
    for part, split in ((data.train, "train"), (data.test, "test")):
        for row, (pixels, label) in enumerate(zip(part.images, part.labels.tolist(), strict=True)):
            place = "validation" if split == "train" and row in validation else split
            name, class_name = f"{row:05d}", data.class_names[label]
            yield ImageFile(Path(data.source), name, place, class_name, content=pixels)


def _encoded(file: ImageFile) -> tuple[bytes, str]:
    """Return the bytes of an image file and its suffix."""
    if isinstance(file.content, np.ndarray):
        content = io.BytesIO()
        Image.fromarray(file.content).save(content, "PNG")
        return content.getvalue(), ".png"
    if file.content is None:
        return read_hashed(file), file.path.suffix
    with Image.open(io.BytesIO(file.content)) as image:
        kind = image.format or ""
    return file.content, SUFFIXES.get(kind, f".{kind.lower()}")


def _write_folder(files: list[ImageFile], class_names: tuple[str, ...], folder: Path) -> list[str]:
    folders = {name: folder_name(name) for name in class_names}
    if len({name.casefold() for name in folders.values()}) < len(folders):
        raise UsageError("two classes would share a folder; write a .parquet file in place of it")
    has_splits = any(file.split != "train" for file in files)
    rows: list[tuple[str, str]] = []
    names: set[str] = set()
    folder.mkdir()
    for file in files:
        content, suffix = _encoded(file)
        place = (
            f"{file.split}/{folders[file.class_name]}" if has_splits else folders[file.class_name]
        )
        stem = folder_name(Path(file.name).stem if file.content is None else file.name)
        stem = stem.encode("utf-8", "backslashreplace").decode()
        path = _unused(f"{place}/{stem}", suffix, names)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        if file.group:
            rows.append((path, file.group))
    notes = [f"the folder of {a} is {b}" for a, b in folders.items() if a != b]
    if rows:
        table = csv_text((("path", "group"), *rows))
        (folder / GROUP_FILE).write_text(table, encoding="utf-8")
        notes.append(f"groups: pass --groups with {GROUP_FILE} in that folder")
    return notes


def _unused(stem: str, suffix: str, names: set[str]) -> str:
    """Number names that occur twice, also on systems that do not tell their case."""
    numbered = (f"{stem}-{number}{suffix}" for number in count(2))
    path = next(p for p in chain([f"{stem}{suffix}"], numbered) if p.casefold() not in names)
    names.add(path.casefold())
    return path


def _write_parquet(files: list[ImageFile], class_names: tuple[str, ...], path: Path) -> list[str]:
    """Write the columns of Hugging Face datasets: image (bytes and path), label and its names."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise EnvironmentFailure(
            f"{path.name}: Parquet needs pyarrow: pip install 'ankleboot[tables]'"
        ) from error
    labels = {name: label for label, name in enumerate(class_names)}
    images = [{"bytes": _encoded(file)[0], "path": Path(file.name).name} for file in files]
    columns: dict[str, Any] = {
        "image": images,
        "label": [labels[file.class_name] for file in files],
        "split": [file.split for file in files],
    }
    if any(file.group for file in files):
        columns["group"] = [file.group for file in files]
    features: dict[str, Any] = {name: {"dtype": "string", "_type": "Value"} for name in columns}
    features["image"] = {"_type": "Image"}
    features["label"] = {"names": list(class_names), "_type": "ClassLabel"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pyarrow.table(columns).replace_schema_metadata(metadata)
    pyarrow.parquet.write_table(table, path)
    return []
