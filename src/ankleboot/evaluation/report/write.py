"""Report on a run: one HTML page without external resources."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.files import atomic_write, make_folder
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.records import Record
from ankleboot.core.types import Images
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.data.preprocessing.preprocess import load_image
from ankleboot.evaluation.calibration import calibrate
from ankleboot.evaluation.data_size import SizePoint
from ankleboot.evaluation.error_analysis import analyze_errors
from ankleboot.evaluation.evaluate import Evaluation, evaluate_probs, resolve_metrics
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.evaluation.report.inputs import ReportInputs
from ankleboot.evaluation.robustness.measure_robustness import measure_robustness
from ankleboot.evaluation.select_split import (
    DataSource,
    dataset_for,
    judged_images,
    training_images,
)
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.inference.load import Model, ResolvedModel, load_predictor, resolve_model
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.web.render import render

FILE_NAME = "report.html"


@dataclass(frozen=True, repr=False)
class Report(Record):
    """A report that was written: its HTML file, and the metrics and sentences it shows."""

    path: Path
    num_bytes: int
    evaluation: Evaluation
    sentences: tuple[str, ...]
    card: Path | None = None

    def summary(self) -> dict[str, str]:
        """Return the path and the accuracy."""
        return {"path": str(self.path), "accuracy": f"{100 * self.evaluation.accuracy:.2f} %"}

    def to_json(self) -> dict[str, Any]:
        """Return the document of `report --json`."""
        shown = ("split", "num_examples", "accuracy", "accuracy_ci95")
        file = {"path": str(self.path), "bytes": self.num_bytes}
        values = {name: getattr(self.evaluation, name) for name in shown}
        card = None if self.card is None else str(self.card)
        return file | values | {"sentences": list(self.sentences), "card": card}


def write_report(
    run: Model,
    path: AnyPath | None = None,
    data: DataSource = None,
    *,
    split: str | None = None,
    sizes: tuple[SizePoint, ...] = (),
    photos: AnyPath | None = None,
    card: AnyPath | None = None,
) -> Report:
    """Write a report on a finished run; an evaluation on the test split is counted.

        ankleboot.write_report("runs/first").path

    Args:
        run: A run, its folder, or "pretrained".
        path: Path to the HTML file, which is replaced; by default report.html in the run folder.
            For a shipped model it is a new report.html in the working folder.
        data: Data set; by default the one that the run was trained on.
        split: "validation", "held-out" or "test"; None for validation, test for adopted models, and
            the held-out images for a model of a fold.
        sizes: Accuracies by number of training images; see `learning_curve`.
        photos: Folder of photos that show none of the classes, as outliers.
        card: Path to a PNG file for a summary of 1200 x 630 pixels, such as a slide shows.

    Raises:
        ModelError: If the run is incomplete or damaged.
        UsageError: If the run was trained on other data and has no validation images in `data`, the
            card is no PNG file, or the working folder has a report.html that `path` does not name.
    """
    from ankleboot.evaluation.report.charts import draw_charts
    from ankleboot.evaluation.report.content import build_content

    card_path = None if card is None else _card_path(card)
    resolved = resolve_model(run)
    if path is None and resolved.is_shipped and Path(FILE_NAME).exists():
        raise UsageError(f"{FILE_NAME} exists already; to replace it, name it with --output")
    inputs = replace(_measure(resolved, data, split, photos), sizes=sizes)
    charts = draw_charts(inputs)
    content = build_content(inputs) | charts
    page = render(content, "report.html", charts.keys()).encode()
    folder = Path() if resolved.is_shipped else inputs.run.folder
    path = folder / FILE_NAME if path is None else expand(path)
    make_folder(path.parent)
    atomic_write(path, page)
    if card_path is not None:
        from ankleboot.evaluation.report.card import save_card

        save_card(inputs, card_path)
    return Report(path, len(page), inputs.evaluation, tuple(content["sentences"]), card_path)


def _card_path(card: AnyPath) -> Path:
    path = expand(card)
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path}: expected a file name that ends in .png")
    return path


def _measure(
    model: ResolvedModel, data: DataSource, split: str | None, photos: AnyPath | None
) -> ReportInputs:
    if model.run is None or model.path is None or not model.path.is_dir():
        _ = model.predictor  # refuses a file of another tool with the command that takes it in
        raise ModelError(f"{model.path}: expected a run folder, which a report needs")
    run = model.run
    run.check_model()
    dataset = dataset_for(model, data, run.recipe().image_spec)
    calibration = calibrate(run, dataset)
    calibrated = replace(model, path=run.folder, load=partial(load_predictor, run.folder))
    judged = judged_images([model], dataset, split)
    images, split = judged.of(dataset), judged.split
    outliers = None if photos is None else _load_photos(expand(photos), run.recipe().image_spec)
    count = count_evaluation(model, split)
    probs = cached_predictions(calibrated, images.images, split)
    predictions = probs, images.labels, dataset.class_names
    evaluation = evaluate_probs(
        *predictions,
        resolve_metrics(None),
        count,
        model=run.folder.name,
        data=dataset.name,
        split=split,
    )
    return ReportInputs(
        run=run,
        data=dataset,
        images=images,
        probs=probs,
        calibration=calibration,
        evaluation=replace(evaluation, notes=judged.notes),
        errors=analyze_errors(*predictions),
        robustness=measure_robustness(calibrated.predictor, images, photos=outliers),
        model=calibrated,
        learned=_learned_images(model, dataset, split),
    )


def _learned_images(model: ResolvedModel, data: Dataset, split: str) -> LabeledImages | None:
    """Return the training images of a run, among which neighbors are sought; None if gone."""
    try:
        return training_images(model, data, split)
    except UsageError:
        return None


def _load_photos(folder: Path, image_spec: ImageSpec) -> Images:
    paths = find_images([str(folder)], lambda _: None)
    if not paths:
        raise UsageError(f"{folder}: no images; expected a folder with photos")
    return np.stack([load_image(path, image_spec) for path in paths])
