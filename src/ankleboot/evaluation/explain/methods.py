"""Methods of explanation, and which of them a model admits: without its network, few are left."""

from collections.abc import Iterable, Sequence
from typing import Any

from ankleboot.core import plugins
from ankleboot.core.errors import NotApplicableError
from ankleboot.core.types import Images, Labels, Maps
from ankleboot.evaluation.explain.occlusion import occlusion
from ankleboot.inference.load import ResolvedModel

FROM_PREDICTIONS = {"occlusion": occlusion}
"""Methods that need predictions only, and so apply to the models of every runtime."""

TITLES = {
    "hires-cam": "HiResCAM",
    "occlusion": "occlusion",
    "integrated-gradients": "integrated gradients",
    "smooth-grad": "SmoothGrad",
}
"""Titles of the methods in figures; a plugin is shown under its own name."""

MEANINGS = {
    "hires-cam": "HiResCAM divides the score of the class among places.",
    "integrated-gradients": "Integrated gradients divide it among pixels.",
    "smooth-grad": "SmoothGrad shows which pixels would change it.",
}
OCCLUSION_MEANING = (
    "Occlusion asks what happens when a part is covered with black: red parts support the class, "
    "and blue ones oppose it."
)
EMPTY_MEANING = (
    "Color beside the object means that the network uses the empty space there. Where that is "
    "black, covering it changes nothing, so occlusion hardly shows this."
)

MapsAndNotes = tuple[dict[str, Maps], tuple[str, ...]]


def by_importance(methods: Iterable[str]) -> list[str]:
    """Sort methods for display: occlusion first, since it asks the plainest question."""
    return sorted(methods, key=lambda name: name not in FROM_PREDICTIONS)


def reading_help(methods: Iterable[str]) -> list[str]:
    """Explain in a sentence or two each what the maps of the methods show."""
    names = set(methods)
    lines = [OCCLUSION_MEANING] if "occlusion" in names else []
    if others := [meaning for name, meaning in MEANINGS.items() if name in names]:
        lines += [" ".join(others), EMPTY_MEANING]
    return lines


def compute_maps(
    model: ResolvedModel,
    images: Images,
    classes: Labels,
    methods: Sequence[str],
    *,
    is_explicit: bool = False,
) -> MapsAndNotes:
    """Compute the maps of the methods that apply to a model, and note why others do not.

    Raises:
        NotApplicableError: If none applies, or the structure of the network rules out one that the
            user named.
    """
    if model.network is None:
        return _from_predictions(model, images, classes, methods)
    return apply_methods(model.network, images, classes, methods, is_explicit=is_explicit)


def apply_methods(
    network: Any,
    images: Images,
    classes: Labels,
    methods: Sequence[str],
    *,
    is_explicit: bool = False,
) -> MapsAndNotes:
    """Compute the maps of a Keras network; errors and notes as in `compute_maps`."""
    maps, notes = {}, []
    for name in methods:
        try:
            maps[name] = plugins.resolve("explanations", name)(network, images, classes)
        except NotApplicableError as error:
            if is_explicit:
                raise
            notes.append(f"{name} is left out: {error}.")
    return maps, tuple(notes)


def _from_predictions(
    model: ResolvedModel, images: Images, classes: Labels, methods: Sequence[str]
) -> MapsAndNotes:
    maps, others = {}, []
    for name in methods:
        if function := FROM_PREDICTIONS.get(name):
            maps[name] = function(model.predictor.predict, images, classes)
        else:
            others.append(name)
    if not maps:
        raise NotApplicableError(
            f"{model.name} gives predictions alone, without gradients and layers: expected the "
            f"method {', '.join(FROM_PREDICTIONS)}, got {', '.join(methods)}"
        )
    missing = ", ".join([*others, "similar training images"])
    return maps, (
        f"Left out: {missing}. They need a Keras network; {model.name} gives predictions alone.",
    )
