"""Train, calibrate, judge and export the model that ships with the package.

    make pretrained            (python tools/make_pretrained.py)

The recipe and the seed were fixed on validation images; the test split is read once, at the end,
for the model card. The run's checkpoints stay behind; everything else goes to
src/ankleboot/pretrained.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from ankleboot.cli.output import TrainingProgress
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import atomic_write, sha256_of_file, write_json
from ankleboot.data.load import load_data
from ankleboot.evaluation import evaluate, test_set_usage
from ankleboot.evaluation.evaluate import Evaluation
from ankleboot.export.export import ExportResult, export_model
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.pretrained.catalog import FOLDER, MODEL_FILE
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import POCKET
from ankleboot.training.trainer import fit

KEPT = ("recipe.json", "manifest.json", "result.json", "history.csv", "calibration.json")


CARD = """# The model "pretrained"

Names the garment on a grey picture of 28 x 28 pixels:
{classes}.
`ankleboot predict` uses it unless told otherwise; `make pretrained` makes it anew.

| | |
|---|---|
{facts}

| class | precision | recall | F1 |
|---|---|---|---|
{rows}

Percent, on the test images. {most_confused}

**Meant for** pictures like those of the data set: one garment, whole, front view, cut out, light on
dark. **Not meant for** photographs as they come from a camera (`predict` asks the model in `photo/`
about those), people wearing clothes, several garments, other things than clothes (it names them all
the same, sometimes with confidence), or any decision about people. Nothing in the
data says who wears what; body shapes, cultures and prices beyond one European online shop of about
2017 are missing.

Files: `recipe.json` and `manifest.json` (what it was made from, on what), `history.csv`,
`result.json` (hashes), `calibration.json`, `evaluation-*.json`, `parity.json`. MIT licence, like
the data (c) 2017 Zalando SE, [arXiv 1708.07747](https://arxiv.org/abs/1708.07747).
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder to fill")
    target = parser.parse_args().to
    data, sample = load_data(), load_data("sample")
    with tempfile.TemporaryDirectory() as folder:
        run = fit(POCKET, data, Path(folder) / "run", [TrainingProgress()])
        calibration = evaluate.calibrate(run, data)
        exported = export_model(run.folder, "litert", Path(folder) / MODEL_FILE, data)
        predictor = load_predictor(exported.path)
        judged = {
            name: evaluate.evaluate(predictor, part, data=of, split=split, test_reads=reads)
            for name, part, of, split, reads in (
                (
                    "validation",
                    evaluate.validation_images(POCKET, data),
                    data.name,
                    "validation",
                    0,
                ),
                (
                    "test",
                    data.test,
                    data.name,
                    "test",
                    test_set_usage.record_test_evaluation(run.folder),
                ),
                ("sample", sample.test, sample.name, "test", 1),
            )
        }
        target.mkdir(exist_ok=True)
        for name in KEPT:
            shutil.copyfile(run.folder / name, target / name)
        shutil.copyfile(run.model_path, target / run.model_path.name)
        shutil.copyfile(exported.path, target / MODEL_FILE)
    shipped = Run(target)
    source = {"data_source": "Fashion-MNIST, verified by its hashes"}  # not where it lay here
    write_json(target / "manifest.json", shipped.manifest() | source)
    for name, found in judged.items():
        write_json(target / f"evaluation-{name}.json", found.to_json() | {"model": "pretrained"})
    write_json(target / "parity.json", {"litert": exported.parity.to_json()})
    card_text = card(shipped, calibration, judged["test"], judged["validation"], exported)
    atomic_write(target / "README.md", card_text.encode())
    print(f"{target}: {100 * judged['test'].accuracy:.2f} % of the test images right")


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
        f"| {s.label} | {100 * s.precision:.1f} | {100 * s.recall:.1f} | {100 * s.f1:.1f} |"
        for s in test.per_class
    ]
    answered = f"{100 * calibration.coverage:.1f} % are answered"
    rightly = f"{100 * calibration.precision:.1f} % of those rightly"
    same = round(exported.parity.top1_agreement * exported.parity.num_examples)
    keras_bytes = run.model_path.stat().st_size
    facts = {
        "network": f"recipe `{recipe.name}`, seed {recipe.seed}: "
        f"{result['parameters']:,} parameters",
        "training": f"{result['epochs']} epochs in {result['train_seconds']:.0f} s on {hardware}",
        "data": f"Fashion-MNIST: trained on {manifest['split']['num_train']:,} images, chosen and "
        f"calibrated on {validation.num_examples:,}, judged once on {test.num_examples:,}",
        "test accuracy": f"**{100 * test.accuracy:.2f} %** (95 % interval {100 * low:.2f} to "
        f"{100 * high:.2f}); top-2 {100 * test.top2_accuracy:.2f} %",
        "validation accuracy": f"{100 * validation.accuracy:.2f} %",
        "calibration": f"temperature {calibration.temperature:.3f}, fitted on validation images; "
        f"on test images: ECE {test.ece:.4f}, loss {test.loss:.4f}, Brier {test.brier:.4f}",
        "abstention": f"below a confidence of {calibration.abstain_below:.2f}: on validation "
        f"images {answered}, {rightly}",
        "`model.keras`": f"{keras_bytes:,} bytes, sha256 {sha256_of_file(run.model_path)[:12]}...",
        f"`{MODEL_FILE}`": f"{exported.bytes:,} bytes; same first answer as `model.keras` on "
        f"{same:,} of {exported.parity.num_examples:,} test images",
    }
    return CARD.format(
        classes=", ".join(CLASS_NAMES[:-1]) + " or " + CLASS_NAMES[-1],
        facts="\n".join(f"| {name} | {fact} |" for name, fact in facts.items()),
        rows="\n".join(rows),
        most_confused=most_confused(test),
    )


def most_confused(test: Evaluation) -> str:
    count, true, said = max(
        (n, CLASS_NAMES[row], CLASS_NAMES[column])
        for row, counts in enumerate(test.confusion_matrix)
        for column, n in enumerate(counts)
        if row != column
    )
    return f"The most frequent error: {count} images of the class {true} are taken for {said}."


if __name__ == "__main__":
    main()
