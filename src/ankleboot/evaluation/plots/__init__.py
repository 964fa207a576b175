"""Figures (matplotlib) of results; no function here computes a result."""

from ankleboot.evaluation.plots.evaluation import (
    confusion,
    confusion_heatmap,
    disagreements,
    precision_recall,
    reliability,
    risk_coverage,
    risks,
)
from ankleboot.evaluation.plots.image_grids import (
    duplicates,
    feature_maps,
    feature_strip,
    filters,
    samples,
    suspects,
    wrong_photos,
)
from ankleboot.evaluation.plots.saliency import explanation, overlay
from ankleboot.evaluation.plots.search import pareto, search_course
from ankleboot.evaluation.plots.studies import (
    bars,
    cost_benefit,
    curves_with_range,
    image_rows,
    strip_plot,
)
from ankleboot.evaluation.plots.style import save_figure
from ankleboot.evaluation.plots.training import METRICS, learning_curve, learning_curves, size_curve
