"""Train, calibrate, evaluate and export the model that ships with the package.

    make pretrained            (python tools/make_pretrained.py)

The recipe and the seed were fixed on validation images; the test split is used for the model card
alone. All files of the run except its checkpoints are copied to src/ankleboot/models/pretrained.
"""

import argparse
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

from ankleboot.cli.output.training import TrainingProgress
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import atomic_write, sha256_of_file, write_json
from ankleboot.data.load import load_data
from ankleboot.evaluation.calibration import calibrate
from ankleboot.evaluation.evaluate import Evaluation, evaluate
from ankleboot.export.export import ExportResult, export_model
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.pretrained.catalog import FOLDER, MODEL_FILE
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import POCKET
from ankleboot.training.trainer import fit

KEPT = ("recipe.json", "manifest.json", "result.json", "history.csv", "calibration.json")


CARD = """# The model "pretrained"

Classifies the garment on a gray image of 28 x 28 pixels:
{classes}.
It is the default model of `ankleboot predict`; `make pretrained` reproduces it.

| | |
|---|---|
{facts}

| class | precision | recall | F1 |
|---|---|---|---|
{rows}

Percent, on the test images. {most_confused}

**Data**: Fashion-MNIST by Zalando Research (MIT, (c) 2017 Zalando SE,
[arXiv 1708.07747](https://arxiv.org/abs/1708.07747)). Its authors reduced product photos of one
online shop to 28 x 28 gray pixels. SHA-256 hashes verified the files. Neither other images nor
pretrained weights took part.

**Intended use**: images like those of the data set: one whole garment in front view, cut out, light
on dark. It suits teaching and comparisons with other models of Fashion-MNIST.

**Limits**: the model assigns one of the ten classes to every image, sometimes with high confidence.
Out of scope are unprocessed photos (`predict` uses the model in `photo/` for them), clothes on
people, several garments, other objects, and decisions about people. The data has no information on
who wears what; body shapes, cultures and prices beyond one European online shop of about 2017 are
missing.

**Not measured**: accuracy on images of other sources. The interval covers other test images of the
same kind; docs/reproduction.md has the spread over seeds.

**How it was made**: `make pretrained` (`python tools/make_pretrained.py`). Validation images
decided on recipe, seed and temperature. The test split served this card alone. `recipe.json` and
`manifest.json` record what it was made from and on what hardware. `history.csv`, `result.json`
(hashes), `calibration.json`, `evaluation-*.json` and `parity.json` hold the results.

**Licence**: MIT, like the data.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder to fill")
    target = parser.parse_args().to
    data, sample = load_data(), load_data("sample")
    with tempfile.TemporaryDirectory() as folder:
        run = fit(POCKET, data, Path(folder) / "run", [TrainingProgress()])
        calibration = calibrate(run, data)
        exported = export_model(run.folder, "litert", Path(folder) / MODEL_FILE, data)
        evaluations = {
            "validation": evaluate(exported.path, data),
            "test": evaluate(exported.path, data, split="test"),
            "sample": evaluate(exported.path, sample, split="test"),
        }
        target.mkdir(exist_ok=True)
        for name in KEPT:
            shutil.copyfile(run.folder / name, target / name)
        shutil.copyfile(run.model_path, target / run.model_path.name)
        shutil.copyfile(exported.path, target / MODEL_FILE)
    shipped = Run(target)
    source = {"data_source": "Fashion-MNIST, verified by its hashes"}  # not a local path
    write_json(target / "manifest.json", shipped.manifest() | source)
    for name, evaluation in evaluations.items():
        write_json(
            target / f"evaluation-{name}.json", evaluation.to_json() | {"model": "pretrained"}
        )
    write_json(target / "parity.json", {"litert": asdict(exported.parity)})
    card_text = card(shipped, calibration, evaluations["test"], evaluations["validation"], exported)
    atomic_write(target / "README.md", card_text.encode())
    print(f"{target}: {100 * evaluations['test'].accuracy:.2f} % of the test images correct")


def card(
    run: Run,
    calibration: Calibration,
    test: Evaluation,
    validation: Evaluation,
    exported: ExportResult,
) -> str:
    """The model card, after Mitchell et al. 2019, https://arxiv.org/abs/1810.03993."""
    result, manifest, recipe = run.result(), run.manifest(), run.recipe()
    low, high = test.accuracy_ci95
    hardware = f"{manifest['hardware']['cores']} cores, {manifest['hardware']['cpu']}"
    rows = [
        f"| {s.label} | {_percent(s.precision)} | {_percent(s.recall)} | {_percent(s.f1)} |"
        for s in test.per_class
    ]
    answered = f"{100 * calibration.coverage:.1f} % are predicted"
    rightly = f"{100 * calibration.precision:.1f} % of those correctly"
    same = round(exported.parity.top1_agreement * exported.parity.num_examples)
    keras_bytes = run.model_path.stat().st_size
    facts = {
        "network": f"recipe `{recipe.name}`, seed {recipe.seed}: "
        f"{result['parameters']:,} parameters",
        "training": f"{result['epochs']} epochs in {result['train_seconds']:.0f} s on {hardware}",
        "data": f"Fashion-MNIST: trained on {manifest['split']['num_train']:,} images, chosen and "
        f"calibrated on {validation.num_examples:,}, evaluated on {test.num_examples:,}",
        "test accuracy": f"**{100 * test.accuracy:.2f} %** (95 % interval {100 * low:.2f} to "
        f"{100 * high:.2f}); top-2 {100 * test.top2_accuracy:.2f} %",
        "validation accuracy": f"{100 * validation.accuracy:.2f} %",
        "calibration": f"temperature {calibration.temperature:.3f}, fitted on validation images; "
        f"on test images: ECE {test.ece:.4f}, loss {test.loss:.4f}, Brier {test.brier:.4f}",
        "abstention": f"below a confidence of {calibration.abstain_below:.2f}: on validation "
        f"images {answered}, {rightly}",
        "`model.keras`": f"{keras_bytes:,} bytes, sha256 {sha256_of_file(run.model_path)[:12]}...",
        f"`{MODEL_FILE}`": f"{exported.bytes:,} bytes; same prediction as `model.keras` on "
        f"{same:,} of {exported.parity.num_examples:,} test images",
    }
    return CARD.format(
        classes=", ".join(CLASS_NAMES[:-1]) + " or " + CLASS_NAMES[-1],
        facts="\n".join(f"| {name} | {fact} |" for name, fact in facts.items()),
        rows="\n".join(rows),
        most_confused=most_confused(test),
    )


def _percent(score: float | None) -> str:
    return "-" if score is None else f"{100 * score:.1f}"


def most_confused(test: Evaluation) -> str:
    """Describe the most frequent error."""
    count, label, predicted = test.confusions[0]
    return f"The most frequent error: {count} images of {label} are predicted as {predicted}."


if __name__ == "__main__":
    main()
