"""One page about a run that opens from the disk: numbers, pictures, explanations, no network.

write_report(Run(Path("runs/first")), load(), Path("report.html"))
"""

from pathlib import Path
from typing import Any

from ankleboot.core.errors import ModelError
from ankleboot.core.files import atomic_write
from ankleboot.core.types import SomeImages
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.data_size import SizePoint
from ankleboot.evaluation.error_analysis import analyze_errors
from ankleboot.evaluation.evaluate import calibrate, evaluate_probs, select_split
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.evaluation.report.content import ReportInputs, build_content
from ankleboot.evaluation.robustness.measure import measure_robustness
from ankleboot.inference.keras import KerasPredictor
from ankleboot.inference.load import load_predictor
from ankleboot.models.run import Run
from ankleboot.web.render import render

TEMPLATE = "report.html"
DRAWN = (
    "curves",
    "size_curve",
    "precision_recall",
    "reliability",
    "risk_coverage",
)
"""Names in the template that are SVG made by our own code."""


def write_report(
    run: Run,
    data: Dataset,
    path: Path,
    *,
    split: str = "validation",
    test_reads: int = 0,
    sizes: tuple[SizePoint, ...] = (),
    photos: SomeImages | None = None,
) -> dict[str, Any]:
    """Write the page and return what it says, in short.

    Args:
        run: A finished run.
        data: What it was trained on.
        path: The HTML file; replaced if it exists.
        split: Whose images are judged and shown, "validation" or "test".
        test_reads: How often the test split was looked at, for the page to say.
        sizes: A curve by the number of training images, to be shown.
        photos: Pictures that show none of the classes, to see whether its confidence tells.

    Raises:
        ModelError: If the run is not complete or damaged.
        UsageError: If it has no validation images in `data`, having learned other data.
    """
    calibration = calibrate(run, data)
    predictor = load_predictor(run.folder)
    if not isinstance(predictor, KerasPredictor):
        raise ModelError(f"{run.folder}: a report needs the network of a run")
    part = select_split(data, split, predictor.info)
    probs = cached_predictions(run.folder, predictor, part, split)
    findings = ReportInputs(
        run=run,
        data=data,
        part=part,
        probs=probs,
        calibration=calibration,
        evaluation=evaluate_probs(
            run.folder.name,
            probs,
            part.labels,
            class_names=data.class_names,
            data=data.name,
            split=split,
            test_reads=test_reads,
        ),
        mistakes=analyze_errors(probs, part.labels, data.class_names),
        robustness=measure_robustness(predictor, part, photos=photos),
        model=predictor.model,
        sizes=sizes,
    )
    content = build_content(findings)
    page = render(content, TEMPLATE, DRAWN).encode()
    atomic_write(path, page)
    return {
        "path": str(path),
        "bytes": len(page),
        "split": split,
        "num_examples": findings.evaluation.num_examples,
        "accuracy": findings.evaluation.accuracy,
        "accuracy_ci95": list(findings.evaluation.accuracy_ci95),
        "sentences": content["sentences"],
    }
