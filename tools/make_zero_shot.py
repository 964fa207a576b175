"""Train the network for photographs that has seen none, and put it into the package.

    make zero-shot             (python tools/make_zero_shot.py)

The recipe `simulated` on Fashion-MNIST; together with the shipped model of 28 x 28 pixels, and over
several views of an image, it is the model "zero-shot". Temperature and threshold are fitted on
validation images to which the faults of photographs were done (`data.photo_simulation`): no photograph
has a say in it. The test split is read once, at the end.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from ankleboot.cli.output import TrainingProgress
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

CARD = """# The model "zero-shot"

Names garments on photographs although none was shown to it in training: the geometric mean of what
two networks say of four views of 28 x 28 pixels (as they are, mirrored, blurred): the shipped model
and, counted twice, recipe `simulated` (seed {seed}, {epochs} epochs in {seconds:.0f} s on {hardware}),
which learned Fashion-MNIST with sleeves laid out, shoes in pairs, other light and faulty masks.
`ankleboot predict --model zero-shot`; `make zero-shot` makes it anew.

| | |
|---|---|
| parameters | {parameters:,} in both networks |
| Fashion-MNIST test images | **{accuracy:.2f} %** (95 % interval {low:.2f} to {high:.2f}) |
| calibration | temperature {temperature:.3f}, threshold {threshold:.2f}, on {num:,} imitations: \
{coverage:.0f} % are answered, {precision:.0f} % of those rightly |

On photographs: docs/photos.md. Of real ones it is too sure: its calibration is that of imitations.
MIT licence, like the data (c) 2017 Zalando SE.
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
    part = validation_images(SIMULATED, data)
    images = imitations(part, data.class_names)
    fitted = fit_calibration(load_predictor(Path(ZERO_SHOT)).predict(images), part.labels)
    write_json(target / "calibration.json", fitted.to_json())

    predictor = load_predictor(Path(ZERO_SHOT))
    test = evaluate(ZERO_SHOT, data, split="test")
    write_json(target / "evaluation-test.json", test.to_json() | {"model": ZERO_SHOT})
    kept = Run(target)
    source = {"data_source": "Fashion-MNIST, verified by its hashes"}  # not where it lay here
    write_json(target / "manifest.json", kept.manifest() | source)
    result, hardware = kept.result(), kept.manifest()["hardware"]
    card = CARD.format(
        seed=SIMULATED.seed,
        epochs=result["epochs"],
        seconds=result["train_seconds"],
        hardware=f"{hardware['cores']} cores, {hardware['cpu']}",
        parameters=predictor.info.parameters,
        accuracy=100 * test.accuracy,
        low=100 * test.accuracy_ci95[0],
        high=100 * test.accuracy_ci95[1],
        temperature=fitted.temperature,
        threshold=fitted.abstain_below,
        num=fitted.num_examples,
        coverage=100 * fitted.coverage,
        precision=100 * fitted.precision,
    )
    atomic_write(target / "README.md", card.encode())
    print(f"{target}: {100 * test.accuracy:.2f} % of the test images right")


def imitations(part: LabeledImages, class_names: tuple[str, ...]) -> Images:
    """The images with a photograph's faults."""
    generator = np.random.default_rng(0)
    return np.stack(
        [
            simulate_photo(image, class_names[label], generator)
            for image, label in zip(part.images, part.labels, strict=True)
        ]
    )


if __name__ == "__main__":
    main()
