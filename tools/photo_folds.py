"""Five grouped folds of the recipe "photo": every photo judged by a model of other photographers.

A fold abstains by the calibration of the other folds' predictions. For tools/judge_photo_recipe.py.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.cli.output.training import TrainingProgress
from ankleboot.core.subprocesses import machine_info
from ankleboot.core.types import Image, Probs
from ankleboot.data.dataset import Dataset
from ankleboot.data.preprocessing.decode import decode
from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.data.preprocessing.segmentation import Segmentation
from ankleboot.evaluation.calibration import fit_calibration
from ankleboot.evaluation.photo_summary import (
    Photo,
    share,
    summarize_kinds,
    summarize_method,
    summarize_rejection,
)
from ankleboot.inference.decide import decide
from ankleboot.inference.load import load_predictor
from ankleboot.inference.predictor import Predictor
from ankleboot.models.files.calibration import Calibration, apply_temperature
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained.catalog import PHOTO
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.cross_validate import NUM_FOLDS, cross_validate
from photo_data import LABELS, REJECT_LABELS, SourcePhoto


@dataclass(frozen=True)
class OutOfFoldPhoto:
    """A photo, predicted by the model of a fold that its photographer is not in.

    Attributes:
        source: The photo.
        fold: Number of the fold.
        image: Input of the model.
        garment: Segmentation; None on a plain background.
        probs: Probabilities before calibration, in the order of `LABELS`.
    """

    source: SourcePhoto
    fold: int
    image: Image
    garment: Segmentation | None
    probs: Probs


def train_folds(recipe: Recipe, data: Dataset, folder: Path) -> list[Run]:
    """Train the missing folds; return the runs of all."""
    cross_validate(recipe, data, folder, folds=NUM_FOLDS, callbacks=[TrainingProgress()])
    return [Run(folder / f"fold-{number}") for number in range(1, NUM_FOLDS + 1)]


def label_order(class_names: tuple[str, ...]) -> list[int]:
    """Return the index of each of `LABELS` among the names of the folders."""
    return [class_names.index(label.replace("/", "_")) for label in LABELS]


def predict_folds(
    runs: list[Run], data: Dataset, photos: list[SourcePhoto]
) -> list[OutOfFoldPhoto]:
    """Predict each photo by the model of the fold that holds its photographer out.

    A photographer of unlearned kinds alone is new to all models; the first one predicts.
    """
    fold_of = _folds_of_senders(runs, data, photos)
    predicted = []
    for number, run in enumerate(runs, 1):
        members = [photo for photo in photos if fold_of.get(photo.sender, 1) == number]
        predictor = load_predictor(run.folder)
        predicted += [_predict(photo, number, predictor) for photo in members]
        print(f"fold {number}: {len(members)} photos of {len({p.sender for p in members})} people")
    return predicted


def _folds_of_senders(runs: list[Run], data: Dataset, photos: list[SourcePhoto]) -> dict[str, int]:
    senders = {photo.name: photo.sender for photo in photos}
    folds: dict[str, int] = {}
    for number, run in enumerate(runs, 1):
        for row in data.split(run.recipe().split_rule).held_out:
            name = Path(data.train.names[row]).name
            if name in senders and folds.setdefault(senders[name], number) != number:
                raise SystemExit(f"photographer {senders[name]} is in two folds")
    return folds


def _predict(source: SourcePhoto, fold: int, predictor: Predictor) -> OutOfFoldPhoto:
    decoded, info = DecodedImage(decode(source.path)), predictor.info
    image = decoded.preprocess(info.image_spec)
    probs = predictor.predict(image[np.newaxis])[:, label_order(info.labels)]
    raw = apply_temperature(probs, 1 / info.temperature)[0]
    small = image[::8, ::8]  # enough to see whether it is of one color; 4,000 fit in memory
    return OutOfFoldPhoto(source, fold, small, decoded.segmentation, raw)


def calibrate_folds(predicted: list[OutOfFoldPhoto], *, without: int = 0) -> Calibration:
    """Fit a calibration to the photos with a label, of all folds or of all but one."""
    learned = [each for each in predicted if each.source.label and each.fold != without]
    labels = np.array([LABELS.index(each.source.label) for each in learned])
    return fit_calibration(np.stack([each.probs for each in learned]), labels)


def decide_folds(predicted: list[OutOfFoldPhoto]) -> list[Photo]:
    """Decide on every photo by the calibration of the other folds."""
    calibrations = {
        fold: calibrate_folds(predicted, without=fold) for fold in {each.fold for each in predicted}
    }
    photos = []
    for each in predicted:
        calibration = calibrations[each.fold]
        probs = apply_temperature(each.probs[np.newaxis], calibration.temperature)[0]
        info = ModelMetadata(
            labels=LABELS,
            reject_labels=REJECT_LABELS,
            abstain_below=calibration.abstain_below,
            crop="none",
        )
        prediction = decide(each.image, each.garment, probs, info, path=each.source.path.name)
        kind, sender = each.source.kind, each.source.sender
        photos.append(Photo(kind, each.image, None, {PHOTO: prediction}, group=sender))
    return photos


def summarize_folds(predicted: list[OutOfFoldPhoto], runs: list[Run]) -> dict[str, Any]:
    """Compute the shares, with intervals over photographers; the main ones are of the ten kinds."""
    photos = decide_folds(predicted)
    pairs = list(zip(predicted, photos, strict=True))
    main = [photo for each, photo in pairs if not each.source.is_further]
    children = [photo for each, photo in pairs if each.source.is_childrens and each.source.label]
    return {
        "recipe": replace(runs[0].recipe(), folds=0, fold=1).to_json(),
        "num_folds": len(runs),
        "num_photos": len(main),
        "num_senders": len({photo.group for photo in main}),
        "train_seconds": [run.result()["train_seconds"] for run in runs],
        "seven_kinds": summarize_method(PHOTO, main),
        "ten_kinds": summarize_kinds(PHOTO, main)["ten_kinds"],
        "declining": summarize_rejection(PHOTO, main),
        "neighbors": summarize_kinds(PHOTO, photos)["neighbors"],
        "childrens": share(children, lambda photo: photo.is_correct(PHOTO)),
        **machine_info(),
    }
