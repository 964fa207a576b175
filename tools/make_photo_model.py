"""Train the shipped model for photos and write it to the package.

    make photo-model PHOTOS=path/to/train        (python tools/make_photo_model.py PHOTOS)

PHOTOS holds the ten folders of the clothing dataset's small version (CC0). This script maps their
names to the classes of Fashion-MNIST (longsleeve: Pullover, outwear: Coat ...); shoe_kinds.csv,
made by eye, divides the shoes. Hats, shorts and skirts become reject labels. There are no photos of
bags: bags, and some images of every other class, are composites: Fashion-MNIST images, enlarged,
colored and pasted on the backgrounds of photos. The rest is `ankleboot train transfer`. A tenth of
the images validates and calibrates the model. It takes a quarter of an hour on two cores.
"""

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from ankleboot import __version__
from ankleboot.cli.output.training import TrainingProgress
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import atomic_write, write_json
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.evaluation.calibration import calibrate
from ankleboot.evaluation.photo_kinds import MAIN_KINDS, PHOTO_KINDS
from ankleboot.evaluation.select_split import validation_images
from ankleboot.export import litert
from ankleboot.export.deployable import DeployableModel, calibration_images
from ankleboot.export.parity import measure_latency
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import load_predictor
from ankleboot.models.pretrained import catalog
from ankleboot.models.pretrained.catalog import MODEL_FILE, PHOTO
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import TRANSFER
from ankleboot.training.trainer import fit
from photo_data import read_shoe_kinds, write_composites

RECIPE = replace(TRANSFER, name="photo", validation_fraction=0.1, head_epochs=5, epochs=15)
REJECT_LABELS = ("hat", "shorts", "skirt")
LABELS = (*CLASS_NAMES, *REJECT_LABELS)
KEPT = ("recipe.json", "history.csv", "calibration.json", "result.json")

HELD_OUT = "not measured: `python benchmarks/photos.py --photos DIR` fills this row"

CARD = """# The model "photo"

Classifies the garment on a photo into the ten classes, or rejects it. `ankleboot predict` uses it
for every image that is not 28 x 28 and gray; `make photo-model` reproduces it.

| | |
|---|---|
| training | {epochs} epochs ({head_epochs} with a frozen backbone) in {seconds:.0f} s \
on {hardware} |
| parameters, file | {parameters:,}; int8, {bytes:,} bytes |
| validation accuracy | {accuracy:.1f} % of {num_validation} images, {accuracy_int8:.1f} % in int8 |
| calibration | temperature {temperature:.3f}, threshold {threshold:.2f}: {coverage:.0f} % \
predicted, {precision:.0f} % of those correctly, on the same images |
| held-out photos | {held_out} |
| photos of hats, shorts, skirts | {held_out} |

**Data**: {num_photos:,} photos of the clothing dataset, small version (CC0): phone photos by
volunteers, of single garments, laid flat or hung up. {num_composites:,} more images are composites
of Fashion-MNIST images (MIT, (c) 2017 Zalando SE) and the backgrounds of photos. One person divided
the shoes into sandals, sneakers and ankle boots by eye. The weights began as those of
EfficientNet-Lite0, trained on ImageNet (Google LLC, Apache-2.0).

**Intended use**: a photo of one whole garment that no person wears.

**Limits**: most photographers of the held-out photos also took training photos. So the figure is
not one for new photographers, and may be too high for your photos. Out of scope are worn garments,
garments that touch or overlap, and decisions about people. Several garments that lie apart are
predicted one by one; the accuracy of that was not measured. The model rejects hats, shorts and
skirts; it may assign other objects to one of the classes. **Bags** were learned from Fashion-MNIST
images alone.

**Not measured**: accuracy on real bags, by photographer, and on photos from other collections,
cameras or countries. A held-out photo of shoes is right with any of the three labels for shoes.

**How it was made**: `make photo-model PHOTOS=FOLDER` (`python tools/make_photo_model.py`), recipe
`transfer` with a tenth of the images for validation and calibration. Then
`python benchmarks/photos.py --photos DIR` measured the held-out photos; docs/photos.md
has each step.

**Licence**: Apache-2.0 for the weights, which further training changed (NOTICE.txt).
"""


def prepare(photos: Path, folder: Path) -> tuple[int, int]:
    """Write a folder for every class; return the numbers of photos and of composites."""
    shoes = read_shoe_kinds()
    paths = find_images([str(photos)], print)
    for path in paths:
        name = path.parent.name
        if name not in MAIN_KINDS:
            raise SystemExit(f"{path}: expected the folders {', '.join(MAIN_KINDS)}")
        label = shoes[path.name] if name == "shoes" else PHOTO_KINDS[name].learned_as
        class_folder = folder / label.replace("/", "_")
        class_folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, class_folder / path.name)
    return len(paths), len(write_composites(paths, folder))


def reorder_classes(model: keras.Model, order: list[int]) -> None:
    """Sort the columns of the last layer."""
    layer = model.get_layer("logits")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel[:, order], bias[order]])


def ship(run: Run, data: Dataset, counts: tuple[int, int], target: Path) -> None:
    """Calibrate, quantize and evaluate the model, and write its files."""
    target.mkdir(exist_ok=True)
    calibration = calibrate(run, data)
    reference = load_predictor(run.folder)
    if not isinstance(reference, KerasPredictor):
        raise SystemExit("expected a Keras model")
    validation = validation_images(RECIPE, data)
    expected = reference.predict(validation.images)
    order = [data.class_names.index(label.replace("/", "_")) for label in LABELS]
    reorder_classes(reference.model, order)
    info = replace(
        reference.info,
        format="litert-int8",
        labels=LABELS,
        reject_labels=REJECT_LABELS,
        version=__version__,
    )
    model = DeployableModel(reference.model, info, calibration_images(data.train.images))
    litert.write_int8(model, target / MODEL_FILE, batch_size=1)  # the web page runs no other

    predictor = load_predictor(target / MODEL_FILE)
    probs = predictor.predict(validation.images)
    max_abs_diff = float(np.abs(probs - expected[:, order]).max())
    for name in KEPT:
        shutil.copyfile(run.folder / name, target / name)
    manifest = run.manifest()
    kept = {"versions", "hardware", "git_commit", "split", "recipe"} & manifest.keys()
    write_json(target / "manifest.json", {name: manifest[name] for name in sorted(kept)})
    result, hardware = run.result(), manifest["hardware"]
    is_correct = np.array(order)[probs.argmax(axis=1)] == validation.labels
    latency = measure_latency(predictor, validation.images)
    card = CARD.format(
        num_photos=counts[0],
        num_composites=counts[1],
        epochs=result["epochs"],
        head_epochs=RECIPE.head_epochs,
        seconds=result["train_seconds"],
        hardware=f"{hardware['cores']} cores, {hardware['cpu']}",
        parameters=result["parameters"],
        bytes=(target / MODEL_FILE).stat().st_size,
        accuracy=100 * (expected.argmax(axis=1) == validation.labels).mean(),
        accuracy_int8=100 * is_correct.mean(),
        num_validation=len(validation),
        temperature=calibration.temperature,
        threshold=calibration.abstain_below,
        coverage=100 * calibration.coverage,
        precision=100 * calibration.precision,
        held_out=HELD_OUT,
    )
    atomic_write(target / "README.md", card.encode())
    print(f"{target}: int8 differs by up to {max_abs_diff:.2f}; p50 {latency.p50:.1f} ms an image")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, help="folder of the clothing dataset's photos")
    parser.add_argument(
        "--run",
        type=Path,
        help="folder of the run: a finished one is shipped, otherwise it is trained there",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        counts = prepare(arguments.photos, Path(temporary) / "photos")
        data = load_data(str(Path(temporary) / "photos"), image_spec=RECIPE.image_spec)
        folder = arguments.run or Path(temporary) / "run"
        run = Run(folder)
        if not run.is_complete:
            run = fit(RECIPE, data, folder, [TrainingProgress()])
        ship(run, data, counts, catalog.FOLDERS[PHOTO])


if __name__ == "__main__":
    main()
