"""Five grouped folds of the recipe "photo": every photo judged by a model of other photographers.

photo_decisions.py turns the probabilities into answers. For tools/make_photo_model.py.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.cli.output.training import TrainingProgress
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.subprocesses import machine_info
from ankleboot.core.types import Image
from ankleboot.data.dataset import Dataset
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.evaluation.photo_kinds import GARMENT_KINDS, PHOTO_KINDS
from ankleboot.evaluation.photo_summary import (
    share,
    summarize_kinds,
    summarize_method,
    summarize_rejection,
)
from ankleboot.inference.load import load_predictor
from ankleboot.inference.ood_features import ood_features
from ankleboot.inference.predictor import Predictor
from ankleboot.models.files.calibration import apply_temperature
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.files.ood_check import OodCheck
from ankleboot.models.pretrained.catalog import PHOTO
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.cross_validate import NUM_FOLDS, cross_validate
from photo_data import LABELS, SourcePhoto
from photo_decisions import JudgedImage, OutOfFoldPhoto, calibrations_of_folds, decide_folds
from photo_networks import GARMENT_RECIPE, joint_metadata, load_network, write_int8

BLOCK = 64  # images in memory
THRESHOLDS = (0.5, 0.6, 0.65, 0.7, 0.8, 0.9)
INT8_FILE = "photo-int8.tflite"


@dataclass(frozen=True)
class Fold:
    """Runs of a fold, and the file of both networks as one, in int8 as the shipped model is."""

    garment: Run
    whole: Run

    @property
    def path(self) -> Path:
        """Path to the file."""
        return self.garment.folder / INT8_FILE

    def load(self) -> Predictor:
        """Load the model."""
        return load_predictor(self.path, trust=True)


def train_folds(views: dict[Recipe, Dataset], folder: Path) -> list[Fold]:
    """Train the missing runs of the recipes of both views and write the models of the folds."""
    runs = []
    for recipe, data in views.items():
        path = folder / recipe.crop
        cross_validate(recipe, data, path, folds=NUM_FOLDS, callbacks=[TrainingProgress()])
        runs.append([Run(path / f"fold-{number}") for number in range(1, NUM_FOLDS + 1)])
    folds, data = [Fold(*pair) for pair in zip(*runs, strict=True)], views[GARMENT_RECIPE]
    for fold in folds:
        if not fold.path.exists():
            pair = load_network(fold.garment), load_network(fold.whole)
            learned = data.split(fold.garment.recipe().split_rule).train
            info = joint_metadata(*pair)
            write_int8((pair[0].model, pair[1].model), info, data, learned, fold.path)
    return folds


def label_order(class_names: tuple[str, ...]) -> list[int]:
    """Return the index of each of `LABELS` among the names of the folders."""
    return [class_names.index(label.replace("/", "_")) for label in LABELS]


def predict_folds(
    folds: list[Fold], data: Dataset, photos: list[SourcePhoto]
) -> list[OutOfFoldPhoto]:
    """Predict each photo by the model of the fold that holds its photographer out.

    A photographer of unlearned kinds alone is new to all models; the first one predicts.
    """
    fold_of = _folds_of_senders(folds, data, photos)
    predicted = []
    for number, fold in enumerate(folds, 1):
        members = [photo for photo in photos if fold_of.get(photo.sender, 1) == number]
        predictor = fold.load()
        judged = judge_images([photo.path for photo in members], number, predictor)
        predicted += [OutOfFoldPhoto(*pair) for pair in zip(members, judged, strict=True)]
        print(f"fold {number}: {len(members)} photos of {len({p.sender for p in members})} people")
    return predicted


def _folds_of_senders(
    folds: list[Fold], data: Dataset, photos: list[SourcePhoto]
) -> dict[str, int]:
    senders = {photo.name: photo.sender for photo in photos}
    numbers: dict[str, int] = {}
    for number, fold in enumerate(folds, 1):
        for run in (fold.garment, fold.whole):
            for row in data.split(run.recipe().split_rule).held_out:
                name = Path(data.train.names[row]).name
                if name in senders and numbers.setdefault(senders[name], number) != number:
                    raise SystemExit(f"photographer {senders[name]} is in two folds")
    return numbers


def judge_images(paths: list[Path], fold: int, predictor: Predictor) -> list[JudgedImage]:
    """Predict images by the model of a fold, a block at a time."""
    judged = []
    for start in range(0, len(paths), BLOCK):
        block = paths[start : start + BLOCK]
        decoded = [DecodedImage(decode(path)) for path in block]
        images = [each.preprocess(predictor.info.image_spec) for each in decoded]
        calibrated = predictor.predict(np.stack(images))
        entries = zip(block, decoded, images, calibrated, strict=True)
        judged += [_judge(*entry, fold, predictor.info) for entry in entries]
    return judged


def _judge(
    path: Path, decoded: DecodedImage, image: Image, calibrated: Any, fold: int, info: ModelMetadata
) -> JudgedImage:
    order = label_order(info.labels)
    check, features = OodCheck.from_json(info.ood_check, f"fold {fold}"), ood_features(image)
    return JudgedImage(
        path,
        fold,
        image=decoded.pixels[::8, ::8],  # 4,000 fit in memory
        garment=decoded.segmentation,
        probs=apply_temperature(calibrated[np.newaxis, order], 1 / info.temperature)[0],
        similarities=[check.similarity(features, row) for row in order[: len(CLASS_NAMES)]],
        threshold=info.ood_check["threshold"],
    )


def summarize_thresholds(predicted: list[OutOfFoldPhoto]) -> list[dict[str, Any]]:
    """Compute what `--abstain-below` changes: on the seven kinds, and on all kinds of garments."""
    rows = []
    for threshold in THRESHOLDS:
        photos = decide_folds(predicted, threshold)
        pairs = list(zip(predicted, photos, strict=True))
        seven = [p for each, p in pairs if p.kind in GARMENT_KINDS and not each.source.is_further]
        every = [photo for photo in photos if PHOTO_KINDS[photo.kind].labels]
        row: dict[str, Any] = {"abstain_below": threshold}
        for name, chosen in (("seven_kinds", seven), ("all_garments", every)):
            given = [photo for photo in chosen if not photo.predictions[PHOTO].abstained]
            row[name] = {
                "answered": len(given) / len(chosen),
                "right_of_answered": float(np.mean([p.is_correct(PHOTO) for p in given])),
            }
        rows.append(row)
    return rows


def summarize_folds(predicted: list[OutOfFoldPhoto], folds: list[Fold]) -> dict[str, Any]:
    """Compute the shares, with intervals over photographers; the main ones are of the ten kinds."""
    photos = decide_folds(predicted)
    pairs = list(zip(predicted, photos, strict=True))
    main = [photo for each, photo in pairs if not each.source.is_further]
    children = [photo for each, photo in pairs if each.source.is_childrens and each.source.label]
    garments = [photo for photo in main if photo.kind in GARMENT_KINDS]
    pairs_of_runs = [(fold.garment, fold.whole) for fold in folds]
    return {
        "recipes": [replace(r.recipe(), folds=0, fold=1).to_json() for r in pairs_of_runs[0]],
        "num_folds": len(folds),
        "num_photos": len(main),
        "num_senders": len({photo.group for photo in main}),
        "train_seconds": [[r.result()["train_seconds"] for r in pair] for pair in pairs_of_runs],
        "weights_of_folds": [each.weight for each in calibrations_of_folds(predicted).values()],
        "seven_kinds": summarize_method(PHOTO, main),
        "ten_kinds": summarize_kinds(PHOTO, main)["ten_kinds"],
        "thresholds": summarize_thresholds(predicted),
        "declining": summarize_rejection(PHOTO, main),
        "neighbors": summarize_kinds(PHOTO, photos)["neighbors"],
        "unfamiliar": share(garments, lambda photo: photo.predictions[PHOTO].cause == "unfamiliar"),
        "childrens": share(children, lambda photo: photo.is_correct(PHOTO)),
        **machine_info(),
    }
