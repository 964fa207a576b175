"""Report on a run: one HTML page without external resources.

write_report("runs/first").path
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.files import atomic_write, make_folder
from ankleboot.core.records import Record
from ankleboot.core.silence import import_keras
from ankleboot.core.types import Images
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.data.preprocessing.preprocess import load_image
from ankleboot.evaluation.calibration import calibrate
from ankleboot.evaluation.data_size import SizePoint
from ankleboot.evaluation.error_analysis import analyze_errors
from ankleboot.evaluation.evaluate import Evaluation, evaluate_probs, resolve_metrics
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.evaluation.robustness.measure_robustness import measure_robustness
from ankleboot.evaluation.select_split import DataSource, dataset_for, select_split
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import Model, ResolvedModel, load_predictor, resolve_model
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.web.render import render

if TYPE_CHECKING:
    from ankleboot.evaluation.report.content import ReportInputs


@dataclass(frozen=True, repr=False)
class Report(Record):
    """A report that was written.

    Attributes:
        path: Path to the HTML file.
        num_bytes: Size of the file.
        evaluation: Metrics that the report shows.
        sentences: Summary of the report.
    """

    path: Path
    num_bytes: int
    evaluation: Evaluation
    sentences: tuple[str, ...]

    def summary(self) -> dict[str, str]:
        """Return the path and the accuracy."""
        return {"path": str(self.path), "accuracy": f"{100 * self.evaluation.accuracy:.2f} %"}

    def to_json(self) -> dict[str, Any]:
        """Return the document of `report --json`."""
        return {
            "path": str(self.path),
            "bytes": self.num_bytes,
            "split": self.evaluation.split,
            "num_examples": self.evaluation.num_examples,
            "accuracy": self.evaluation.accuracy,
            "accuracy_ci95": list(self.evaluation.accuracy_ci95),
            "sentences": list(self.sentences),
        }


def write_report(
    run: Model,
    path: str | Path | None = None,
    data: DataSource = None,
    *,
    split: str = "validation",
    sizes: tuple[SizePoint, ...] = (),
    photos: str | Path | None = None,
) -> Report:
    """Write a report on a finished run; an evaluation on the test split is counted.

        ankleboot.write_report("runs/first").path

    Args:
        run: A run, its folder, or "pretrained".
        path: Path to the HTML file; by default report.html in the run folder, or in the working
            folder for a shipped model. An existing file is replaced.
        data: Data set; by default the one that the run was trained on.
        split: "validation" or "test".
        sizes: Accuracies by number of training images; see `learning_curve`.
        photos: Folder of photos that show none of the classes, as outliers.

    Raises:
        ModelError: If the run is incomplete or damaged.
        UsageError: If the run was trained on other data and has no validation images in `data`.
    """
    import_keras()  # silently, before the modules that import it
    from ankleboot.evaluation.report.content import build_content, draw_charts

    resolved = resolve_model(run)
    inputs = _measure(resolved, data, split, sizes, photos)
    charts = draw_charts(inputs)
    content = build_content(inputs) | charts
    page = render(content, "report.html", charts.keys()).encode()
    if path is None:
        path = Path() if resolved.is_shipped else inputs.run.folder
        path /= "report.html"
    path = Path(path)
    make_folder(path.parent)
    atomic_write(path, page)
    return Report(path, len(page), inputs.evaluation, tuple(content["sentences"]))


def _measure(
    model: ResolvedModel,
    data: DataSource,
    split: str,
    sizes: tuple[SizePoint, ...],
    photos: str | Path | None,
) -> ReportInputs:
    from ankleboot.evaluation.report.content import ReportInputs

    if model.run is None or model.path is None or not model.path.is_dir():
        raise ModelError(f"{model.path}: expected a run folder, which a report needs")
    run = model.run
    run.check_model()
    dataset = dataset_for(model, data, run.recipe().image_spec)
    calibration = calibrate(run, dataset)
    predictor = load_predictor(run.folder)  # calibrated now
    if not isinstance(predictor, KerasPredictor):
        raise ModelError(f"{run.folder}: a report needs the Keras model of a run")
    images = select_split(dataset, split, predictor.info)
    outliers = None if photos is None else _load_photos(Path(photos), run.recipe().image_spec)
    count = count_evaluation(model, split)
    keras_model = replace(model, path=run.folder, load=lambda: predictor)
    probs = cached_predictions(keras_model, images.images, split)
    return ReportInputs(
        run=run,
        data=dataset,
        images=images,
        probs=probs,
        calibration=calibration,
        evaluation=evaluate_probs(
            run.folder.name,
            probs,
            images.labels,
            class_names=dataset.class_names,
            data=dataset.name,
            split=split,
            num_test_evaluations=count,
            metrics=resolve_metrics(None),
        ),
        errors=analyze_errors(probs, images.labels, dataset.class_names),
        robustness=measure_robustness(predictor, images, photos=outliers),
        model=predictor.model,
        sizes=sizes,
    )


def _load_photos(folder: Path, image_spec: ImageSpec) -> Images:
    paths = find_images([str(folder)], lambda _: None)
    if not paths:
        raise UsageError(f"{folder}: no images; expected a folder with photos")
    return np.stack([load_image(path, image_spec) for path in paths])
