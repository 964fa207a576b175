"""Judge the recipe "photo" by grouped folds, train the shipped model, and write it to the package.

    make photo-model PHOTOS="photos photos_more" FOREIGN=foreign
    python tools/make_photo_model.py FOLDER... --foreign DIR

The first folder is the clothing dataset's small version (CC0), the others have further photos of
it; each has a table of photographers (`photo_data.py`). Five folds, grouped by photographer, judge
the recipe and calibrate the model, which learns all photos (`photo_folds.py`). Runs that are there
are not trained again. All of it takes an hour and a half on two cores.

--foreign DIR names the images of `benchmarks/foreign_pictures.py`; the models of the folds judge
them, too. --folds-only ships nothing. The result is benchmarks/results/photo_folds.json.
"""

import argparse
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot import __version__
from ankleboot.cli.output.training import TrainingProgress
from ankleboot.core.files import atomic_write, write_json
from ankleboot.core.types import to_inputs
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.evaluation.ood_check import store_ood_check
from ankleboot.export.parity import measure_latency
from ankleboot.inference.load import load_predictor
from ankleboot.inference.ood_features import similarity_of
from ankleboot.models.files.calibration import apply_temperature
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.files.ood_check import OodCheck
from ankleboot.models.pretrained import catalog
from ankleboot.models.pretrained.catalog import MODEL_FILE, PHOTO
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.trainer import fit
from photo_data import LABELS, REJECT_LABELS, SourcePhoto, list_photos, prepare
from photo_decisions import WEIGHTED, PhotoCalibration, calibrate_folds, label_weights
from photo_folds import label_order, predict_folds, summarize_folds, train_folds
from photo_foreign import summarize_foreign
from photo_networks import (
    GARMENT_RECIPE,
    WHOLE_RECIPE,
    join_networks,
    joint_metadata,
    load_both_views,
    load_network,
    sort_labels,
    write_int8,
)

RESULT = Path(__file__).parents[1] / "benchmarks/results/photo_folds.json"
COMMAND = "python tools/make_photo_model.py FOLDERS --foreign DIR"
KEPT = ("recipe.json", "history.csv", "calibration.json", "result.json")
BATCH_SIZE = 32  # images of 448 x 224 pixels
NUM_TRIED = 100  # images of each label
MIN_FAMILIAR = 0.9  # share of the training images of each label that must pass the shipped check

CARD = """# The model "photo"

Classifies the garment on a photo into the ten classes, or rejects it. `ankleboot predict` uses it
for every image that is not 28 x 28 and gray; `make photo-model` reproduces it. The answer is the
mean of two networks: one sees the garment on white, the other the whole photo (its files here
begin with `whole-`).

| | |
|---|---|
| training | garment: {epochs} epochs ({head_epochs} with a frozen backbone) in {seconds:.0f} s \
on {hardware}; whole photo: {whole_epochs} epochs in {whole_seconds:.0f} s |
| parameters, file | {parameters:,} in both networks; int8, {bytes:,} bytes |
| photos by new photographers | {seven} |
| all ten kinds of folders | {ten} |
| photos of hats, shorts, skirts | {declined} |
| images without a garment | {foreign} |
| weights of the labels | {weighted} (fitted like the calibration) |
| calibration | temperature {temperature:.3f}, threshold {threshold:.2f}, fitted on the folds' \
predictions of {num_calibrated:,} photos |

Each photo was judged by a model that had seen none of its photographer's ({num_folds} folds; the
intervals are over {num_senders} photographers). The shipped model learned all of the photos.

**Data**: {num_photos:,} photos of the clothing dataset (CC0): phone photos by volunteers, of single
garments, laid flat or hung up. {num_composites:,} more images are composites of Fashion-MNIST
images (MIT, (c) 2017 Zalando SE) and the backgrounds of photos. One person divided the shoes into
sandals, sneakers and ankle boots by eye, and decided which folder teaches which label
(`evaluation/photo_kinds.py`). The weights began as those of EfficientNet-Lite0, trained on ImageNet
(Google LLC, Apache-2.0).

**Intended use**: a photo of one whole garment that no person wears.

**Limits**: out of scope are worn garments, garments that touch or overlap, and decisions about
people. Several garments that lie apart are predicted one by one; the accuracy of that was not
measured. The model rejects hats, shorts, skirts and bodysuits, and what resembles none of its
photos; a few other objects get a label all the same. **Bags** were learned from Fashion-MNIST
images alone.

**Not measured**: accuracy on real bags, and on photos from other collections, cameras or countries.
A photo of shoes is right with any of the three labels for shoes.

**How it was made**: `make photo-model PHOTOS="FOLDERS" FOREIGN=FOLDER`
(`python tools/make_photo_model.py`), recipes `transfer` and `small`; docs/photos.md has each step.

**Licence**: Apache-2.0 for the weights, which further training changed (NOTICE.txt).
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, nargs="+", help="folders of the clothing dataset")
    parser.add_argument("--runs", type=Path, default=Path("runs/photo"), help="folder of all runs")
    parser.add_argument("--foreign", type=Path, required=True, help="images without a garment")
    parser.add_argument("--folds-only", action="store_true", help="judge, and ship nothing")
    arguments = parser.parse_args()
    photos = list_photos(arguments.photos)
    num_composites = prepare(photos, arguments.runs / "data")
    views = {recipe: load_view(recipe, arguments.runs) for recipe in (GARMENT_RECIPE, WHOLE_RECIPE)}
    data = views[GARMENT_RECIPE]
    folds = train_folds(views, arguments.runs / "folds")
    predicted = predict_folds(folds, data, photos)
    document = summarize_folds(predicted, folds)
    document["foreign"] = summarize_foreign(arguments.foreign, predicted, folds)
    write_json(RESULT, {"command": COMMAND} | document)
    print_summary(document)
    if arguments.folds_only:
        return
    runs = []
    for recipe, images in views.items():
        runs.append(Run(arguments.runs / "all" / recipe.crop))
        if not runs[-1].is_complete:
            fit(recipe, images, runs[-1].folder, [TrainingProgress()])
    store_ood_check(runs[0], data)
    fitted = calibrate_folds(predicted)
    facts = card_facts(document, fitted, photos) | {"num_composites": num_composites}
    ship(runs[0], runs[1], data, fitted, facts, catalog.FOLDERS[PHOTO])


def load_view(recipe: Recipe, folder: Path) -> Dataset:
    """Load the photos as a recipe takes them."""
    return load_data(
        folder / "data/photos",
        image_spec=recipe.image_spec,
        groups=folder / "data/groups.csv",
        progress=print,
    )


def print_summary(document: dict[str, Any]) -> None:
    for name in ("ten_kinds", "childrens"):
        print(f"{name}: {100 * document[name]['share']:.1f} %")
    print(f"seven kinds: {100 * document['seven_kinds']['accuracy']['share']:.1f} %")
    foreign = document["foreign"]
    print(f"foreign: AUROC {foreign['auroc']:.4f}, {100 * foreign['answered']:.1f} % answered")


def card_facts(
    document: dict[str, Any], fitted: PhotoCalibration, photos: list[SourcePhoto]
) -> dict[str, Any]:
    """Return what the card says about photos and folds."""
    seven = document["seven_kinds"]
    kind, lowest = min(seven["by_kind"].items(), key=lambda item: item[1]["share"])
    declined = document["declining"]["declined"]
    calibration = fitted.calibration
    return {
        "seven": f"**{percent(seven['accuracy'])}** of {seven['accuracy']['num']:,} get the right "
        f"label ({interval(seven['accuracy'])}); lowest: `{kind}`, {percent(lowest)} of "
        f"{lowest['num']}. {percent(seven['answered'])} are answered, "
        f"{percent(seven['right_of_answered'])} of those rightly",
        "ten": f"{percent(document['ten_kinds'])} of {document['ten_kinds']['num']:,} get the "
        f"right label or are declined ({interval(document['ten_kinds'])})",
        "declined": f"{percent(declined)} of {declined['num']} are declined",
        "foreign": foreign_fact(document["foreign"]),
        "weighted": f"{LABELS[WEIGHTED]} {fitted.weight:.1f}, all others 1",
        "temperature": calibration.temperature,
        "threshold": calibration.abstain_below,
        "num_calibrated": calibration.num_examples,
        "num_folds": document["num_folds"],
        "num_senders": document["num_senders"],
        "num_photos": sum(bool(photo.label) for photo in photos),
    }


def foreign_fact(foreign: dict[str, Any]) -> str:
    return (
        f"{100 * foreign['answered']:.1f} % of {foreign['num']} are answered; AUROC of the "
        f"similarity {foreign['auroc']:.3f}"
    )


def percent(share: dict[str, Any]) -> str:
    return f"{100 * share['share']:.1f} %"


def interval(share: dict[str, Any]) -> str:
    low, high = share["ci95"]
    return f"95 % interval {100 * low:.1f} to {100 * high:.1f}"


def ship(
    run: Run,
    whole: Run,
    data: Dataset,
    fitted: PhotoCalibration,
    facts: dict[str, Any],
    target: Path,
) -> None:
    """Seal the calibration, quantize both networks as one, and write files and card."""
    target.mkdir(exist_ok=True)
    write_json(run.folder / "calibration.json", asdict(fitted.calibration))
    run.seal(fitted.calibration)
    reference, second = load_network(run), load_network(whole)
    order = label_order(data.class_names)
    for network in (reference.model, second.model):
        sort_labels(network, order)
    names = dict(zip(LABELS, (data.class_names[index] for index in order), strict=True))
    check = OodCheck.from_json(reference.info.ood_check, run.folder).reordered(names)
    info = replace(
        joint_metadata(reference, second),
        format="litert-int8",
        labels=LABELS,
        reject_labels=REJECT_LABELS,
        ood_check=check.to_json(),
        version=__version__,
    )
    networks, every = (reference.model, second.model), np.arange(len(data.train))
    weights = label_weights(fitted.weight)
    write_int8(networks, info, data, every, target / MODEL_FILE, weights)
    predictor = load_predictor(target / MODEL_FILE)
    images = load_both_views(data, data.split(GARMENT_RECIPE.split_rule).validation)
    joint = join_networks(*networks, weights)
    exact = joint.predict(to_inputs(images), batch_size=BATCH_SIZE, verbose=0)
    expected = apply_temperature(exact, info.temperature)
    max_abs_diff = float(np.abs(predictor.predict(images) - expected).max())
    require_familiar(predictor.info, data, order)
    for name in KEPT:
        shutil.copyfile(run.folder / name, target / name)
    for name in ("recipe.json", "history.csv", "result.json"):
        shutil.copyfile(whole.folder / name, target / f"whole-{name}")
    write_json(target / "ood_check.json", check.to_json())
    manifest, result = run.manifest(), run.result()
    kept = {"versions", "hardware", "git_commit", "split", "recipe"} & manifest.keys()
    write_json(target / "manifest.json", {name: manifest[name] for name in sorted(kept)})
    hardware = manifest["hardware"]
    card = CARD.format(
        epochs=result["epochs"],
        head_epochs=GARMENT_RECIPE.head_epochs,
        seconds=result["train_seconds"],
        whole_epochs=whole.result()["epochs"],
        whole_seconds=whole.result()["train_seconds"],
        hardware=f"{hardware['cores']} cores, {hardware['cpu']}",
        parameters=info.parameters,
        bytes=(target / MODEL_FILE).stat().st_size,
        **facts,
    )
    atomic_write(target / "README.md", card.encode())
    latency = measure_latency(predictor, images)
    print(f"{target}: int8 differs by up to {max_abs_diff:.2f}; p50 {latency.p50:.1f} ms an image")


def require_familiar(info: ModelMetadata, data: Dataset, order: list[int]) -> None:
    """Refuse a model whose check declines many of the images that it learned, label by label."""
    for index, row in enumerate(order):
        learned = np.flatnonzero(data.train.labels == row)[:NUM_TRIED]
        similarities = [similarity_of(image, info) for image in data.train.images[learned]]
        passed = [
            each is not None and each(index) >= info.ood_check["threshold"] for each in similarities
        ]
        print(
            f"{info.labels[index]}: {100 * np.mean(passed):.0f} % of {len(passed)} pass the check"
        )
        if np.mean(passed) < MIN_FAMILIAR:
            raise SystemExit(f"the check declines images of {info.labels[index]}")


if __name__ == "__main__":
    main()
