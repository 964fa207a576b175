"""Numbers in, matplotlib figures out; nothing here computes a result or writes a file."""

from ankleboot.plots.evaluation import (
    confusion,
    disagreements,
    precision_recall,
    reliability,
    risk_coverage,
    risks,
)
from ankleboot.plots.explanation import explanation, feature_maps, filters
from ankleboot.plots.pictures import duplicates, samples, suspects, wrong_photos
from ankleboot.plots.studies import bands, bars, dots, heat, prices, tiles
from ankleboot.plots.training import learning_curves, size_curve, time_to_accuracy

__all__ = [
    "bands",
    "bars",
    "heat",
    "dots",
    "prices",
    "tiles",
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
