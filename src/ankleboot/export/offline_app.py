"""A page that any static host can serve: models, runtime and all; no server, no other host.

model.tflite      the exported model, and what the parity gate looks at
photo.tflite      with "pretrained": the model that is asked about photographs in its place
cut_out.tflite    finds the garment on a photograph, where a model wants one
models.json       what the page reads of them: files and descriptions
"""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import write_json
from ankleboot.data.export_images import sample_strip
from ankleboot.export import litert, litertjs
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.formats import FLOAT32, ExportFormat
from ankleboot.inference.litert import LiteRTPredictor
from ankleboot.models.files.checksums import (
    add_folder_checksums,
    read_verified_folder,
    read_verified_tflite,
)
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained.catalog import SEGMENTATION
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.web.render import SHARED, WEB

PAGE = WEB / "offline_app"


def write(network: DeployableModel, path: Path) -> None:
    """Write the folder; its own model is the float32 LiteRT file, others come as they ship."""
    shutil.copytree(SHARED, path)
    shutil.copytree(PAGE, path, dirs_exist_ok=True)
    litert.write_single(network, path / "model.tflite")
    networks = {"usual": _described(path / "model.tflite", "Model")}
    if network.photo is not None:
        shutil.copyfile(network.photo, path / "photo.tflite")
        networks["photo"] = _described(path / "photo.tflite", "For photographs")
    if network.photo is not None or network.info.crop == "garment":
        shutil.copyfile(SEGMENTATION, path / "cut_out.tflite")
        networks["cut_out"] = _described(path / "cut_out.tflite", "Finding the garment")
    (path / "runtime").mkdir()
    litertjs.place(path / "runtime")
    has_samples = knows_samples(network.info)
    if has_samples:
        Image.fromarray(sample_strip()).save(path / "samples.png")
    page = {"kind": _kind(network), "samples": has_samples}
    write_json(path / "models.json", {"page": page, "networks": networks})
    add_folder_checksums(path, network.info)


def _described(path: Path, what: str) -> dict[str, Any]:
    """A model file's description, whole, once its hash was checked."""
    _, info = read_verified_tflite(path)
    return {"what": what, "file": path.name, "bytes": path.stat().st_size} | asdict(info)


def _kind(network: DeployableModel) -> str:
    """Which of its texts the page shows."""
    if network.photo is not None:
        return "photographs"
    is_usual = network.info.labels == CLASS_NAMES and network.info.crop == "garment"
    return "clothes" if is_usual else "own"


def knows_samples(info: ModelMetadata) -> bool:
    """Whether images of Fashion-MNIST are what the model knows."""
    shape = info.image_spec.image_shape
    return info.labels == CLASS_NAMES and shape == ImageSpec().image_shape


def load(path: Path, num_threads: int) -> LiteRTPredictor:
    """Load the page's model after verifying every file of the page."""
    read_verified_folder(path)
    return LiteRTPredictor(path / "model.tflite", num_threads)


WEB_APP = ExportFormat("web", write, load, FLOAT32)
