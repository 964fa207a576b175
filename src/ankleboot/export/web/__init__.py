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

import ankleboot
from ankleboot.classes import CLASS_NAMES
from ankleboot.data.pictures import sample_strip
from ankleboot.export import litert
from ankleboot.export.network import Network
from ankleboot.export.web import runtime
from ankleboot.files import write_json
from ankleboot.model_info import ModelInfo
from ankleboot.preparation import Preparation
from ankleboot.pretrained import CUT_OUT
from ankleboot.sealed import open_tflite, seal_folder

PAGE = Path(__file__).parent / "page"
ASSETS = Path(ankleboot.__file__).parent / "assets"  # what the served page is made of, too


def write(network: Network, path: Path) -> None:
    """Write the folder; its own model is the float32 LiteRT file, others come as they ship."""
    shutil.copytree(ASSETS, path)
    shutil.copytree(PAGE, path, dirs_exist_ok=True)
    litert.write_single(network, path / "model.tflite")
    networks = {"usual": _described(path / "model.tflite", "Model")}
    if network.photo is not None:
        shutil.copyfile(network.photo, path / "photo.tflite")
        networks["photo"] = _described(path / "photo.tflite", "For photographs")
    if network.photo is not None or network.info.framing == "garment":
        shutil.copyfile(CUT_OUT, path / "cut_out.tflite")
        networks["cut_out"] = _described(path / "cut_out.tflite", "Finding the garment")
    (path / "runtime").mkdir()
    runtime.place(path / "runtime")
    has_samples = knows_samples(network.info)
    if has_samples:
        Image.fromarray(sample_strip()).save(path / "samples.png")
    page = {"kind": _kind(network), "samples": has_samples}
    write_json(path / "models.json", {"page": page, "networks": networks})
    seal_folder(path, network.info)


def _described(path: Path, what: str) -> dict[str, Any]:
    """A model file's description, whole, once its hash was checked."""
    _, info = open_tflite(path)
    return {"what": what, "file": path.name, "bytes": path.stat().st_size} | asdict(info)


def _kind(network: Network) -> str:
    """Which of its texts the page shows."""
    if network.photo is not None:
        return "photographs"
    is_usual = network.info.labels == CLASS_NAMES and network.info.framing == "garment"
    return "clothes" if is_usual else "own"


def knows_samples(info: ModelInfo) -> bool:
    """Whether images of Fashion-MNIST are what the model knows."""
    shape = info.preparation.image_shape
    return info.labels == CLASS_NAMES and shape == Preparation().image_shape
