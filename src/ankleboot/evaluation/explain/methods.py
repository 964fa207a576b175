"""Where a network looked, and what its layers hold.

    maps = METHODS["grad-cam"](model, images, classes)      # (n, height, width)

Every method takes a Keras model (inputs in [0, 1] to probabilities, as training saves it), images
and the classes to explain, and gives a map per image: how much each pixel speaks for (positive) or
against (negative) the class. Maps are finite, also where nothing speaks for anything.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ankleboot.core.types import Images, Labels, Maps, Probs, to_inputs
from ankleboot.evaluation.explain.grad_cam import grad_cam
from ankleboot.evaluation.explain.gradients import integrated_gradients, smooth_grad
from ankleboot.evaluation.explain.occlusion import occlusion


def _occlusion(model: Any, images: Images, classes: Labels) -> Maps:
    def answer(some: Images) -> Probs:
        probs: np.ndarray = np.asarray(model(to_inputs(some), training=False))
        return probs

    return occlusion(answer, images, classes)


Method = Callable[[Any, Images, Labels], Maps]

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "grad-cam": grad_cam,
        "occlusion": _occlusion,
        "integrated-gradients": integrated_gradients,
        "smooth-grad": smooth_grad,
    }
)
