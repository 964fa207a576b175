"""Web page that runs a model in the browser, on any static host.

model.tflite         the exported model, which the parity check loads
photo.tflite         the model for photos, if "pretrained" is exported
segmentation.tflite  the segmentation network, if a model needs the garment
ood_features.tflite  the network of the out-of-distribution check, if a model has one
models.json          files and metadata of these models

The page includes the LiteRT.js runtime and loads nothing from other hosts.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import write_json
from ankleboot.data.export_images import sample_strip
from ankleboot.export import litert, litertjs
from ankleboot.export.deployable import DeployableModel
from ankleboot.inference.formats import ExportFormat
from ankleboot.inference.litert import LiteRTPredictor
from ankleboot.inference.parity_limits import AS_ACCURATE, FLOAT32
from ankleboot.models.files.checksums import (
    add_folder_checksums,
    read_verified_folder,
    read_verified_tflite,
)
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained.catalog import OOD_FEATURES, SEGMENTATION
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.web.render import SHARED, WEB

PAGE = WEB / "offline_app"


def write(network: DeployableModel, path: Path) -> None:
    """Write the folder with a model in float32."""
    _write_page(network, path, litert.write)


def write_int8(network: DeployableModel, path: Path) -> None:
    """Write the folder with a model in int8, a quarter of the bytes to download."""
    _write_page(network, path, litert.write_int8)


def _write_page(network: DeployableModel, path: Path, write_model: Callable[..., None]) -> None:
    shutil.copytree(SHARED, path)
    shutil.copytree(PAGE, path, dirs_exist_ok=True)
    write_model(network, path / "model.tflite", batch_size=1)  # LiteRT.js runs no other
    models = {"default": _describe(path / "model.tflite", "Model")}
    if network.photo is not None:
        shutil.copyfile(network.photo, path / "photo.tflite")
        models["photo"] = _describe(path / "photo.tflite", "Photos")
    if network.photo is not None or network.info.crop != "none":
        shutil.copyfile(SEGMENTATION, path / SEGMENTATION.name)
        models["segmentation"] = _describe(path / SEGMENTATION.name, "Segmentation")
    if any(entry["ood_check"] for entry in models.values()):
        shutil.copyfile(OOD_FEATURES, path / OOD_FEATURES.name)
        models["ood_features"] = _describe(path / OOD_FEATURES.name, "Out-of-distribution check")
    litertjs.install_runtime(path / "runtime")
    page = {"kind": _page_kind(network), "samples": write_samples(path, network.info)}
    write_json(path / "models.json", {"page": page, "models": models})
    add_folder_checksums(path, network.info)


def _describe(path: Path, title: str) -> dict[str, Any]:
    """Return a verified model file's entry of models.json."""
    _, info = read_verified_tflite(path)
    return {"title": title, "file": path.name, "bytes": path.stat().st_size} | asdict(info)


def _page_kind(network: DeployableModel) -> str:
    """Return the kind of page: its texts are about photos, clothes or own classes."""
    if network.photo is not None:
        return "photographs"
    is_clothes = network.info.labels == CLASS_NAMES and network.info.crop == "garment"
    return "clothes" if is_clothes else "own"


def write_samples(folder: Path, info: ModelMetadata) -> bool:
    """Write samples.png if the model takes them; return whether it does."""
    if not takes_samples(info):
        return False
    Image.fromarray(sample_strip()).save(folder / "samples.png")
    return True


def takes_samples(info: ModelMetadata) -> bool:
    """Return whether a model takes images of Fashion-MNIST and knows their classes."""
    return info.labels == CLASS_NAMES and info.image_spec.image_shape == ImageSpec().image_shape


def load(path: Path, num_threads: int) -> LiteRTPredictor:
    """Load the page's model after verifying every file of the page."""
    read_verified_folder(path)
    return LiteRTPredictor(path / "model.tflite", num_threads)


WEB_APP_FLOAT32 = ExportFormat("web", write, load, FLOAT32, holds_ensembles=False)
WEB_APP = ExportFormat(
    "web",
    write_int8,
    load,
    AS_ACCURATE,
    holds_ensembles=False,
    weights="int8",
    fallback=WEB_APP_FLOAT32,
)
