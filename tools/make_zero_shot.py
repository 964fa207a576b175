"""Train the network of the model "zero-shot", which sees no photos, and write it to the package.

    make zero-shot             (python tools/make_zero_shot.py)

The network is the recipe `simulated` on Fashion-MNIST. The model "zero-shot" is an ensemble of it
and the shipped model "pocket" over several views of an image. Temperature and threshold
are fitted on validation images with simulated artifacts of photos (`data/photo_simulation.py`), so
that no photo takes part. The test split is evaluated once, at the end.
"""

import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ankleboot.cli.output.training import TrainingProgress
from ankleboot.core.files import atomic_write, write_json
from ankleboot.core.types import Images
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.load import load_data
from ankleboot.data.photo_simulation import simulate_photo
from ankleboot.evaluation.calibration import fit_calibration
from ankleboot.evaluation.evaluate import evaluate
from ankleboot.evaluation.select_split import validation_images
from ankleboot.export.export import export_model
from ankleboot.inference.load import load_predictor
from ankleboot.models.pretrained import catalog
from ankleboot.models.pretrained.catalog import MODEL_FILE, ZERO_SHOT
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import SIMULATED
from ankleboot.training.trainer import fit

KEPT = ("recipe.json", "manifest.json", "result.json", "history.csv")

HELD_OUT = "not measured: `python benchmarks/photos.py --photos DIR` fills this row"

CARD = """# The model "zero-shot"

Classifies garments on photos, trained without photos: the geometric mean of two networks over four
views of 28 x 28 pixels (original, mirrored, blurred, both). One network is the model "pocket".
The other, with twice the weight, is recipe `simulated` (seed {seed}, {epochs} epochs in
{seconds:.0f} s on {hardware}). It was trained on Fashion-MNIST with simulated artifacts of photos:
spread sleeves, pairs of shoes, other light and faulty masks. Use it with
`ankleboot predict --model zero-shot`; `make zero-shot` reproduces it.

| | |
|---|---|
| parameters | {parameters:,} in both networks |
| Fashion-MNIST test images | **{accuracy:.2f} %** (95 % interval {low:.2f} to {high:.2f}) |
| calibration | temperature {temperature:.3f}, threshold {threshold:.2f}, \
on {num:,} simulated photos: {coverage:.0f} % are predicted, {precision:.0f} % of those correctly |
| held-out photos | {held_out} |
| photos of hats, shorts, skirts | {held_out} |

**Data**: Fashion-MNIST alone (MIT, (c) 2017 Zalando SE,
[arXiv 1708.07747](https://arxiv.org/abs/1708.07747)), with simulated artifacts of photos. No photo
taught a network or took part in the calibration. The segmentation that cuts the garment out learned
from photos without labels, and began with ImageNet weights (NOTICE.txt).

**Intended use**: teaching and research, to show what Fashion-MNIST alone teaches about photos. The
model "photo" is more accurate on photos.

**Limits**: the calibration is that of simulated photos: on real photos the model is overconfident.
Most errors are sweaters predicted as shirts and coats. It has no reject labels. Out of scope are
worn garments, garments that touch or overlap, and decisions about people.

**Not measured**: accuracy on real bags and on photos from other collections; the spread over seeds.
The double weight of the second network was chosen on training photos of the collection from which
the held-out photos come.

**How it was made**: `make zero-shot` (`python tools/make_zero_shot.py`). Then
`python benchmarks/photos.py --photos DIR` measured the held-out photos; docs/photos.md
has each step.

**Licence**: MIT, like the data.
"""


def main() -> None:
    data = load_data()
    target = catalog.FOLDERS[ZERO_SHOT]
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = fit(SIMULATED, data, Path(folder) / "run", [TrainingProgress()])
        exported = export_model(run.folder, "litert", Path(folder) / MODEL_FILE, data)
        for name in KEPT:
            shutil.copyfile(run.folder / name, target / name)
        shutil.copyfile(exported.path, target / MODEL_FILE)
    (target / "calibration.json").unlink(missing_ok=True)
    validation = validation_images(SIMULATED, data)
    photos = simulate_photos(validation, data.class_names)
    calibration = fit_calibration(load_predictor(ZERO_SHOT).predict(photos), validation.labels)
    write_json(target / "calibration.json", asdict(calibration))

    predictor = load_predictor(ZERO_SHOT)
    test = evaluate(ZERO_SHOT, data, split="test")
    write_json(target / "evaluation-test.json", test.to_json() | {"model": ZERO_SHOT})
    shipped = Run(target)
    source = {"data_source": "Fashion-MNIST, verified by its hashes"}  # not a local path
    write_json(target / "manifest.json", shipped.manifest() | source)
    result, hardware = shipped.result(), shipped.manifest()["hardware"]
    card = CARD.format(
        seed=SIMULATED.seed,
        epochs=result["epochs"],
        seconds=result["train_seconds"],
        hardware=f"{hardware['cores']} cores, {hardware['cpu']}",
        parameters=predictor.info.parameters,
        accuracy=100 * test.accuracy,
        low=100 * test.accuracy_ci95[0],
        high=100 * test.accuracy_ci95[1],
        temperature=calibration.temperature,
        threshold=calibration.abstain_below,
        num=calibration.num_examples,
        coverage=100 * calibration.coverage,
        precision=100 * calibration.precision,
        held_out=HELD_OUT,
    )
    atomic_write(target / "README.md", card.encode())
    print(f"{target}: {100 * test.accuracy:.2f} % of the test images correct")


def simulate_photos(data: LabeledImages, class_names: tuple[str, ...]) -> Images:
    """Return the images with simulated artifacts of photos."""
    rng = np.random.default_rng(0)
    return np.stack(
        [
            simulate_photo(image, class_names[label], rng)
            for image, label in zip(data.images, data.labels, strict=True)
        ]
    )


if __name__ == "__main__":
    main()
