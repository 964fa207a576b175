"""Content of the report that needs the layers of a Keras network."""

from typing import Any

import numpy as np

from ankleboot.core.types import Images
from ankleboot.evaluation import plots
from ankleboot.evaluation.explain import features
from ankleboot.evaluation.plots.svg import png_url
from ankleboot.evaluation.report.inputs import ReportInputs
from ankleboot.evaluation.report.sprite import data_url

MAX_FILTERS = 128  # drawn of the first layer


def network_content(inputs: ReportInputs) -> dict[str, Any]:
    """Return filters, feature maps and receptive fields for report.html."""
    return {
        "filters": _filters(inputs),
        "feature_maps": _feature_maps(inputs),
        "receptive_fields": features.receptive_fields(inputs.model.network),
    }


def nearest_images(inputs: ReportInputs, images: Images) -> list[tuple[np.ndarray, list[str]]]:
    """Return the most similar training images of each image, and the names of their classes."""
    learned = inputs.learned
    if learned is None:
        return [(images[:0], []) for _ in images]
    every, network = np.arange(len(learned), dtype=np.int64), inputs.model.network
    rows = features.nearest_training_images(network, images, learned.images, every, count=4)
    names = inputs.run.manifest().get("labels", inputs.data.class_names)
    return [(learned.images[row], [names[learned.labels[i]] for i in row]) for row in rows]


def _filters(inputs: ReportInputs) -> str:
    """Draw the kernels of the first layer; "" if they are no images."""
    kernels = features.first_filters(inputs.model.network)
    return "" if kernels is None else png_url(plots.filters(kernels[:MAX_FILTERS]))


def _feature_maps(inputs: ReportInputs) -> list[dict[str, Any]]:
    """Return name, size and strip of the first feature maps of each layer, for one image."""
    index = next(iter(inputs.errors.most_confident), 0)
    maps = features.feature_maps(inputs.model.network, inputs.images.images[index][None])
    return [
        {
            "layer": name,
            "size": f"{values.shape[1]} x {values.shape[2]}",
            "num": values.shape[3],
            "url": data_url(plots.feature_strip(values[0])),
        }
        for name, values in maps.items()
    ]
