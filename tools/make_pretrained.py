"""Train, calibrate, evaluate and export the models of Fashion-MNIST that ship with the package.

    make pretrained            (python tools/make_pretrained.py pretrained pocket)

"pretrained" has a teacher, which is trained first. Recipes and seeds were chosen on validation
images; the test split is used for the model cards alone. Runs that are there are not trained again.
All files of a run except its checkpoints are copied to src/ankleboot/models/pretrained.
"""

import argparse
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ankleboot.cli.output.training import TrainingProgress
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import atomic_write, write_json
from ankleboot.data.load import load_data
from ankleboot.evaluation.calibration import calibrate
from ankleboot.evaluation.evaluate import Evaluation, evaluate
from ankleboot.export.export import ExportResult, export_model
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.pretrained.catalog import FOLDERS, MODEL_FILE, POCKET, PRETRAINED
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import CNN100K, RECIPES, STRONG
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.trainer import fit

TEACHER = Path("runs/strong48k")
"""Run of the recipe `strong` that has not seen the validation images of "pretrained"."""

VALIDATION = 0.2  # share: enough images to fit temperature and threshold
TEACHER_RECIPE = replace(STRONG, validation_fraction=VALIDATION)
MODELS = {
    PRETRAINED: replace(CNN100K, validation_fraction=VALIDATION, teacher=str(TEACHER)),
    POCKET: RECIPES[POCKET],
}
WORDS = {
    PRETRAINED: {
        "purpose": "It is the default model of `ankleboot predict`",
        "photos": "`predict` uses the model `photo` for them",
        "seeds": "docs/performance.md has the spread of `cnn100k` over seeds",
    },
    POCKET: {
        "purpose": 'It is less accurate than the model "pretrained" and quicker. The model '
        '"zero-shot", the\nrecipes `tiny` and `cnn10k` and two studies build on it',
        "photos": "`predict` without `--model` uses `photo`",
        "seeds": "docs/reproduction.md has the spread over seeds",
    },
}
"""What the cards say of each model."""
KEPT = ("recipe.json", "manifest.json", "result.json", "history.csv", "calibration.json")


CARD = """# The model "{name}"

Classifies the garment on a gray image of 28 x 28 pixels:
{classes}.
{purpose}; `make pretrained` reproduces it.

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
Out of scope are unprocessed photos ({photos}), clothes on
people, several garments, other objects, and decisions about people. The data has no information on
who wears what; body shapes, cultures and prices beyond one European online shop of about 2017 are
missing.

**Not measured**: accuracy on images of other sources. The interval covers other test images of the
same kind; {seeds}.

**How it was made**: `make pretrained` (`python tools/make_pretrained.py {name}`). Validation
images decided on recipe, seed and temperature. The test split served this card alone.
`recipe.json` and `manifest.json` record what it was made from and on what hardware.
`history.csv`, `result.json` (hashes), `calibration.json`, `evaluation-*.json` and `parity.json`
hold the results.

**Licence**: MIT, like the data.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("models", nargs="+", choices=MODELS, help="the models to make")
    for name in parser.parse_args().models:
        if MODELS[name].teacher:
            train(TEACHER_RECIPE, TEACHER)
        ship(name, train(MODELS[name], Path("runs") / name))


def train(recipe: Recipe, folder: Path) -> Run:
    """Train a run, unless it is there."""
    run = Run(folder)
    if not folder.exists():
        return fit(recipe, load_data(), folder, [TrainingProgress()])
    if run.recipe() != recipe:
        raise SystemExit(f"{folder}: a run of another recipe")
    run.check_model()
    return run


def ship(name: str, run: Run) -> None:
    """Calibrate, evaluate and export a run, and copy it to the package with its card."""
    data, sample, target = load_data(), load_data("sample"), FOLDERS[name]
    target.mkdir(exist_ok=True)
    calibration = calibrate(run, data)
    with tempfile.TemporaryDirectory() as folder:
        exported = export_model(run.folder, "litert", Path(folder) / MODEL_FILE, data)
        evaluations = {
            "validation": evaluate(exported.path, data),
            "test": evaluate(exported.path, data, split="test"),
            "sample": evaluate(exported.path, sample, split="test"),
        }
        shutil.copyfile(exported.path, target / MODEL_FILE)
    for file in (*KEPT, run.model_path.name):
        shutil.copyfile(run.folder / file, target / file)
    write_json(target / "manifest.json", without_paths(run.manifest()))
    for split, evaluation in evaluations.items():
        write_json(target / f"evaluation-{split}.json", evaluation.to_json() | {"model": name})
    write_json(target / "parity.json", {"litert": asdict(exported.parity)})
    facts = card_facts(Run(target), calibration, evaluations, exported)
    atomic_write(target / "README.md", card(name, facts, evaluations["test"]).encode())
    print(f"{target}: {100 * evaluations['test'].accuracy:.2f} % of the test images correct")


def without_paths(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return a manifest that names no folder of this machine."""
    shared = manifest | {"data_source": "Fashion-MNIST, verified by its hashes"}
    if "teacher" in manifest:
        shared["teacher"] = manifest["teacher"] | {"run": TEACHER.name}
    return shared


def card(name: str, facts: dict[str, str], test: Evaluation) -> str:
    """Return the model card, after Mitchell et al. 2019, https://arxiv.org/abs/1810.03993."""
    rows = [
        f"| {s.label} | {_percent(s.precision)} | {_percent(s.recall)} | {_percent(s.f1)} |"
        for s in test.per_class
    ]
    return CARD.format(
        name=name,
        **WORDS[name],
        classes=", ".join(CLASS_NAMES[:-1]) + " or " + CLASS_NAMES[-1],
        facts="\n".join(f"| {fact} | {text} |" for fact, text in facts.items()),
        rows="\n".join(rows),
        most_confused=most_confused(test),
    )


def card_facts(
    run: Run,
    calibration: Calibration,
    evaluations: dict[str, Evaluation],
    exported: ExportResult,
) -> dict[str, str]:
    """Describe network, training, accuracy, calibration and files."""
    result, manifest, recipe = run.result(), run.manifest(), run.recipe()
    test, validation = evaluations["test"], evaluations["validation"]
    low, high = test.accuracy_ci95
    hardware = f"{manifest['hardware']['cores']} cores, {manifest['hardware']['cpu']}"
    answered = f"{100 * calibration.coverage:.1f} % are predicted"
    rightly = f"{100 * calibration.precision:.1f} % of those correctly"
    same = round(exported.parity.top1_agreement * exported.parity.num_examples)
    keras_bytes = run.model_path.stat().st_size
    teacher = {}
    if recipe.teacher:
        teacher["teacher"] = (
            f"recipe `{TEACHER_RECIPE.name}`, trained on the same images; "
            f"sha256 {manifest['teacher']['model_sha256'][:12]}..."
        )
    return {
        "network": f"recipe `{recipe.name}`, seed {recipe.seed}: "
        f"{result['parameters']:,} parameters",
        "training": f"{result['epochs']} epochs in {result['train_seconds']:.0f} s on {hardware}",
        **teacher,
        "data": f"Fashion-MNIST: trained on {manifest['split']['num_train']:,} images, chosen and "
        f"calibrated on {validation.num_examples:,}, evaluated on {test.num_examples:,}",
        "test accuracy": f"**{100 * test.accuracy:.2f} %** (95 % interval {100 * low:.2f} to "
        f"{100 * high:.2f}); top-2 {100 * test.top2_accuracy:.2f} %",
        "validation accuracy": f"{100 * validation.accuracy:.2f} %",
        "calibration": f"temperature {calibration.temperature:.3f}, fitted on validation images; "
        f"on test images: ECE {test.ece:.4f}, loss {test.loss:.4f}, Brier {test.brier:.4f}",
        "abstention": f"below a confidence of {calibration.abstain_below:.2f}: on validation "
        f"images {answered}, {rightly}",
        "`model.keras`": f"{keras_bytes:,} bytes, sha256 {result['model_sha256'][:12]}...",
        f"`{MODEL_FILE}`": f"{exported.bytes:,} bytes; same prediction as `model.keras` on "
        f"{same:,} of {exported.parity.num_examples:,} test images",
    }


def _percent(score: float | None) -> str:
    return "-" if score is None else f"{100 * score:.1f}"


def most_confused(test: Evaluation) -> str:
    """Describe the most frequent error."""
    count, label, predicted = test.confusions[0]
    return f"The most frequent error: {count} images of {label} are predicted as {predicted}."


if __name__ == "__main__":
    main()
