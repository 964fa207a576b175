"""Train the model for photographs, and put it into the package.

    make photo-model PHOTOS=path/to/train        (python tools/make_photo_model.py PHOTOS)

PHOTOS holds the ten folders of the clothing dataset's small version (CC0). Their names become ours
(longsleeve: Pullover, outwear: Coat ...); shoe_kinds.csv, made by eye, divides the shoes; hats,
shorts and skirts are learned in order to be declined. There is no photograph of a bag among them:
bags, and some of every other class, come from Fashion-MNIST, enlarged, colored and laid on the
photographs' backgrounds. Everything else is `ankleboot train transfer`. The run's own validation
images, a tenth, calibrate it; nothing outside PHOTOS is looked at. A quarter of an hour on two
cores.
"""

import argparse
import csv
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from PIL import Image as Picture

from ankleboot import __version__
from ankleboot.cli.output import TrainingProgress
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import atomic_write, write_json
from ankleboot.core.types import Image
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.evaluation.calibration import calibrate
from ankleboot.evaluation.select_split import validation_images
from ankleboot.export import litert, parity
from ankleboot.export.deployable import DeployableModel, calibration_images
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import load_predictor
from ankleboot.models.pretrained import catalog
from ankleboot.models.pretrained.catalog import MODEL_FILE, PHOTO
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import TRANSFER
from ankleboot.training.trainer import fit

RECIPE = replace(TRANSFER, name="photo", validation_fraction=0.1, head_epochs=5, epochs=15)
OURS = {
    "t-shirt": "T-shirt/top",
    "pants": "Trouser",
    "longsleeve": "Pullover",
    "dress": "Dress",
    "outwear": "Coat",
    "shirt": "Shirt",
}
DECLINED = ("hat", "shorts", "skirt")
LABELS = (*CLASS_NAMES, *DECLINED)
SHOES = Path(__file__).with_name("shoe_kinds.csv")
NUM_BAGS, NUM_OTHERS = 150, 25  # made of Fashion-MNIST, per class
SIDE = 400  # pixels of what is made
KEPT = ("recipe.json", "history.csv", "calibration.json", "result.json")

CARD = """# The model "photo"

Names the garment on a photograph, or says that it is none of the ten: recipe `transfer`
(EfficientNet-Lite0, ImageNet weights, Apache-2.0) on {num_photos:,} photographs of single garments,
laid flat or hung up (clothing dataset, small version, CC0), and {num_made:,} images made of
Fashion-MNIST. What `ankleboot predict` asks about everything that is not 28 x 28 and grey;
`make photo-model` makes it anew.

| | |
|---|---|
| training | {epochs} epochs ({frozen} with a frozen backbone) in {seconds:.0f} s on {hardware} |
| parameters, file | {parameters:,}; int8, {bytes:,} bytes |
| own validation | {accuracy:.1f} % of {num_validation} right, {accuracy_int8:.1f} % in int8 |
| calibration | temperature {temperature:.3f}, threshold {threshold:.2f}: {coverage:.0f} % \
answered, {precision:.0f} % of those rightly, on the same images |

Measured on photographs that had no say in it: docs/photos.md.

**Meant for** one garment, whole, nobody in it. **Not meant for** people wearing clothes, several
garments, or any decision about people. Hats, shorts and skirts are declined; other things may be
named all the same. **Bags** were learned from images of Fashion-MNIST alone: how well it knows real
ones was not measured. Shoes were divided into sandals, sneakers and ankle boots by one person's
eye. The photographs were taken by volunteers of one place and time.
"""


def prepare(photos: Path, folder: Path) -> tuple[int, int]:
    """Lay out a folder per class; the number of photographs, and of images that were made."""
    with SHOES.open(newline="") as file:
        kinds = {row["file"]: row["kind"] for row in csv.DictReader(file)}
    paths = find_images([str(photos)], print)
    for path in paths:
        name = path.parent.name
        label = kinds[path.name] if name == "shoes" else OURS.get(name, name)
        if label not in LABELS:
            raise SystemExit(f"{path}: expected the folders {', '.join([*OURS, *DECLINED])}")
        place = folder / label.replace("/", "_")
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place / path.name)
    generator, train_part, made = np.random.default_rng(0), load_data().train, 0
    for index, label in enumerate(CLASS_NAMES):
        number = NUM_BAGS if label == "Bag" else NUM_OTHERS
        chosen = generator.choice(np.flatnonzero(train_part.labels == index), number, replace=False)
        place = folder / label.replace("/", "_")
        place.mkdir(exist_ok=True)
        for position in chosen:
            behind = decode(paths[int(generator.integers(len(paths)))])
            picture = composite(train_part.images[position], behind, generator)
            picture.save(place / f"fashion-mnist-{position}.jpg", quality=88)
            made += 1
    return len(paths), made


def composite(image: Image, behind: np.ndarray, generator: np.random.Generator) -> Picture.Image:
    """An image of the data set as a colored thing on a photograph's border, repeated."""
    height, width = behind.shape[:2]
    strip = behind[: height // 6] if generator.random() < 0.5 else behind[:, : width // 6]
    strip = np.concatenate([strip, strip[::-1]])
    strip = np.concatenate([strip, strip[:, ::-1]], axis=1)
    times = [-(-SIDE // side) for side in strip.shape[:2]]
    canvas = Picture.fromarray(np.tile(strip, (*times, 1))[:SIDE, :SIDE])

    side = int(generator.integers(SIDE * 5 // 10, SIDE * 9 // 10))
    grey = 255 - np.asarray(
        Picture.fromarray(image).resize((side, side), Picture.Resampling.BICUBIC), np.float32
    )
    grey += generator.normal(0, 6, grey.shape)
    tint = generator.uniform(0.5, 1.1, 3)
    color = np.clip(grey[..., None] * tint + generator.uniform(0, 40, 3), 0, 255)
    alpha = Picture.fromarray(np.where(image > 8, 255, 0).astype(np.uint8))
    alpha = alpha.resize((side, side), Picture.Resampling.BICUBIC)
    thing, degrees = Picture.fromarray(color.astype(np.uint8)), generator.normal(0, 10)
    left, top = generator.integers(0, SIDE - side, 2)
    canvas.paste(thing.rotate(degrees), (int(left), int(top)), alpha.rotate(degrees))
    return canvas


def in_our_order(model: keras.Model, names: tuple[str, ...]) -> None:
    """Sort the last layer's columns as LABELS are."""
    layer = model.get_layer("logits")
    order = [names.index(label.replace("/", "_")) for label in LABELS]
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel[:, order], bias[order]])


def ship(run: Run, data: Dataset, numbers: tuple[int, int], target: Path) -> None:
    """Calibrate, quantise, judge, and write the files."""
    target.mkdir(exist_ok=True)
    fitted = calibrate(run, data)
    reference = load_predictor(run.folder)
    if not isinstance(reference, KerasPredictor):
        raise SystemExit("expected a Keras model")
    before = reference.predict(validation_images(RECIPE, data).images)
    in_our_order(reference.model, data.class_names)
    info = replace(
        reference.info,
        format="litert-int8",
        labels=LABELS,
        reject_labels=DECLINED,
        version=__version__,
    )
    network = DeployableModel(reference.model, info, calibration_images(data.train.images))
    litert.write_int8(network, target / MODEL_FILE, batch_size=1)  # the web page wants it fixed

    part = validation_images(RECIPE, data)
    small = load_predictor(target / MODEL_FILE).predict(part.images)
    order = [data.class_names.index(label.replace("/", "_")) for label in LABELS]
    differing = float(np.abs(small - before[:, order]).max())
    for name in KEPT:
        shutil.copyfile(run.folder / name, target / name)
    manifest = run.manifest()
    kept = {"versions", "hardware", "git_commit", "split", "recipe"} & manifest.keys()
    write_json(target / "manifest.json", {name: manifest[name] for name in sorted(kept)})
    right = np.array(order)[small.argmax(axis=1)] == part.labels
    result, hardware = run.result(), manifest["hardware"]
    latency = parity.measure_latency(load_predictor(target / MODEL_FILE), part.images)
    card = CARD.format(
        num_photos=numbers[0],
        num_made=numbers[1],
        epochs=result["epochs"],
        frozen=RECIPE.head_epochs,
        seconds=result["train_seconds"],
        hardware=f"{hardware['cores']} cores, {hardware['cpu']}",
        parameters=result["parameters"],
        bytes=(target / MODEL_FILE).stat().st_size,
        accuracy=100 * (before.argmax(axis=1) == part.labels).mean(),
        accuracy_int8=100 * right.mean(),
        num_validation=len(part),
        temperature=fitted.temperature,
        threshold=fitted.abstain_below,
        coverage=100 * fitted.coverage,
        precision=100 * fitted.precision,
    )
    atomic_write(target / "README.md", card.encode())
    print(f"{target}: int8 differs by at most {differing:.2f}; p50 {latency.p50:.1f} ms a picture")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--run", type=Path, help="keep the run here, or ship the one that is here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        numbers = prepare(arguments.photos, Path(temporary) / "photos")
        data = load_data(str(Path(temporary) / "photos"), image_spec=RECIPE.image_spec)
        place = arguments.run or Path(temporary) / "run"
        run = Run(place)
        if not run.is_complete:
            run = fit(RECIPE, data, place, [TrainingProgress()])
        ship(run, data, numbers, catalog.FOLDERS[PHOTO])


if __name__ == "__main__":
    main()
