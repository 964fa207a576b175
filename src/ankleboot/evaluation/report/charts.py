"""Charts of the report, as SVG elements."""

from functools import partial

from ankleboot.evaluation import metrics, plots
from ankleboot.evaluation.calibration import reliability_diagram, risk_coverage
from ankleboot.evaluation.plots.svg import svg
from ankleboot.evaluation.report.inputs import ReportInputs


def draw_charts(inputs: ReportInputs) -> dict[str, str]:
    """Draw all charts that the run has data for; the others are ""."""
    probs, labels, threshold = inputs.probs, inputs.images.labels, inputs.calibration.abstain_below
    curves = [
        metrics.precision_recall(probs, labels, index, name)
        for index, name in enumerate(inputs.data.class_names)
        if (labels == index).any()
    ]
    bins, risks = reliability_diagram(probs, labels), risk_coverage(probs, labels)
    charts = {
        "accuracy_curve": "",
        "loss_curve": "",
        "size_curve": "",
        "precision_recall": svg(
            partial(plots.precision_recall, curves), "Precision by recall of every class"
        ),
        "reliability": svg(partial(plots.reliability, bins), "Accuracy by confidence"),
        "risk_coverage": svg(
            partial(plots.risk_coverage, risks, threshold), "Error rate by coverage"
        ),
    }
    if history := inputs.run.history():  # an adopted model has none
        best_epoch = inputs.run.result()["best_epoch"]
        for metric in plots.METRICS:
            draw = partial(plots.learning_curve, history, best_epoch, metric)
            title = f"{metric.capitalize()} by epoch, training and validation"
            charts[f"{metric}_curve"] = svg(draw, title)
    if inputs.sizes:
        title = "Accuracy by the number of training images"
        charts["size_curve"] = svg(partial(plots.size_curve, inputs.sizes), title)
    return charts
