"""Numbers in, matplotlib figures out; nothing here computes a result or writes a file."""

from ankleboot.evaluation.plots.evaluation import (
    confusion,
    disagreements,
    precision_recall,
    reliability,
    risk_coverage,
    risks,
)
from ankleboot.evaluation.plots.explanation import explanation, feature_maps, filters
from ankleboot.evaluation.plots.image_grids import duplicates, samples, suspects, wrong_photos
from ankleboot.evaluation.plots.studies import (
    bars,
    confusion_heatmap,
    cost_benefit,
    curves_with_range,
    image_rows,
    strip_plot,
)
from ankleboot.evaluation.plots.training import learning_curves, size_curve, time_to_accuracy

__all__ = [
    "curves_with_range",
    "bars",
    "confusion_heatmap",
    "strip_plot",
    "cost_benefit",
    "image_rows",
    "confusion",
    "disagreements",
    "duplicates",
    "explanation",
    "feature_maps",
    "filters",
    "learning_curves",
    "precision_recall",
    "reliability",
    "risk_coverage",
    "risks",
    "samples",
    "size_curve",
    "suspects",
    "time_to_accuracy",
    "wrong_photos",
]
