"""Named variants of everything that has variants, and the one way to find them.

    build = resolve("architectures", "cnn")               # built in
    build = resolve("architectures", "mypkg.nets:build")  # anybody's

A name is looked up among the built-in import strings below, then among the entry points of the
group `ankleboot.KIND` that installed packages declare; `package.module:attribute` is imported as it
stands. To add a variant to this package, add a file with it and one line to `BUILT_IN`.
"""

import functools
import importlib
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.core.text import unknown_name

COMMANDS = (
    *"adopt bench compare data evaluate explain export".split(),
    *"label predict pseudo-label recipes report runs serve study train tune".split(),
)

BUILT_IN: Mapping[str, Mapping[str, str]] = {
    "architectures": {
        "cnn": "ankleboot.models.cnn:build",
        "mlp": "ankleboot.models.mlp:build",
        "transfer": "ankleboot.models.transfer:build",
    },
    "backbones": {
        "efficientnet_lite0": "ankleboot.models.backbones.efficientnet_lite:LITE0",
        "efficientnet_lite1": "ankleboot.models.backbones.efficientnet_lite:LITE1",
        "efficientnet_lite2": "ankleboot.models.backbones.efficientnet_lite:LITE2",
        "efficientnet_lite0_small": "ankleboot.models.backbones.efficientnet_lite:LITE0_SMALL",
        "fashion_mnist": "ankleboot.models.backbones.fashion_mnist:FASHION_MNIST",
        "mobilenet_v3_large": "ankleboot.models.backbones.keras_applications:MOBILENET_V3_LARGE",
        "resnet50_v2": "ankleboot.models.backbones.keras_applications:RESNET50_V2",
        "vgg16": "ankleboot.models.backbones.keras_applications:VGG16",
    },
    "optimizers": {
        "adam": "ankleboot.training.optimizers.keras_optimizers:adam",
        "adamw": "ankleboot.training.optimizers.keras_optimizers:adamw",
        "muon": "ankleboot.training.optimizers.muon:muon",
        "rmsprop": "ankleboot.training.optimizers.keras_optimizers:rmsprop",
        "sgd": "ankleboot.training.optimizers.keras_optimizers:sgd",
    },
    "schedules": {
        "constant": "ankleboot.training.schedules:constant",
        "cosine": "ankleboot.training.schedules:cosine",
        "one_cycle": "ankleboot.training.schedules:one_cycle",
    },
    "trackers": {"mlflow": "ankleboot.training.trackers.mlflow:MlflowTracker"},
    "datasets": {
        "fashion-mnist": "ankleboot.data.fashion_mnist.load:load_fashion_mnist",
        "sample": "ankleboot.data.fashion_mnist.load:load_sample",
    },
    "augmentations": {},  # the built-in ones are fields of the recipe
    "formats": {
        "litert": "ankleboot.export.litert:LITERT",
        "litert-fp16": "ankleboot.export.litert:LITERT_FP16",
        "litert-int8": "ankleboot.export.litert:LITERT_INT8",
        "litert-micro": "ankleboot.export.micro:LITERT_MICRO",
        "onnx": "ankleboot.export.onnx:ONNX",
        "onnx-int8": "ankleboot.export.onnx:ONNX_INT8",
        "openvino": "ankleboot.export.openvino:OPENVINO",
        "saved-model": "ankleboot.export.saved_model:SAVED_MODEL",
        "web": "ankleboot.export.offline_app:WEB_APP",
        "web-float32": "ankleboot.export.offline_app:WEB_APP_FLOAT32",
        "playground": "ankleboot.export.playground:PLAYGROUND",
    },
    "explanations": {
        "hires-cam": "ankleboot.evaluation.explain.hires_cam:hires_cam",
        "occlusion": "ankleboot.evaluation.explain.occlusion:keras_occlusion",
        "integrated-gradients": "ankleboot.evaluation.explain.gradients:integrated_gradients",
        "smooth-grad": "ankleboot.evaluation.explain.gradients:smooth_grad",
    },
    "corruptions": {
        "gaussian noise": "ankleboot.evaluation.robustness.corruptions:gaussian_noise",
        "shot noise": "ankleboot.evaluation.robustness.corruptions:shot_noise",
        "impulse noise": "ankleboot.evaluation.robustness.corruptions:impulse_noise",
        "blur": "ankleboot.evaluation.robustness.corruptions:blur",
        "motion blur": "ankleboot.evaluation.robustness.corruptions:motion_blur",
        "brightness": "ankleboot.evaluation.robustness.corruptions:brightness",
        "contrast": "ankleboot.evaluation.robustness.corruptions:contrast",
        "shift": "ankleboot.evaluation.robustness.corruptions:shift",
        "rotation": "ankleboot.evaluation.robustness.corruptions:rotation",
        "zoom": "ankleboot.evaluation.robustness.corruptions:zoom",
        "occlusion": "ankleboot.evaluation.robustness.corruptions:occluded",
        "inversion": "ankleboot.evaluation.robustness.corruptions:inversion",
    },
    "metrics": {
        "balanced_accuracy": "ankleboot.evaluation.metrics:balanced_accuracy",
        "macro_f1": "ankleboot.evaluation.metrics:macro_f1",
    },
    "studies": {
        "convolutions": "ankleboot.studies.questions.convolutions:STUDY",
        "filters": "ankleboot.studies.questions.filters:STUDY",
        "pooling": "ankleboot.studies.questions.pooling:STUDY",
        "normalization": "ankleboot.studies.questions.normalization:STUDY",
        "softmax": "ankleboot.studies.questions.softmax:STUDY",
        "overfitting": "ankleboot.studies.questions.overfitting:STUDY",
        "confusion": "ankleboot.studies.questions.confusion:STUDY",
        "ladder": "ankleboot.studies.questions.ablation_ladder:STUDY",
    },
    "commands": {
        name: f"ankleboot.cli.{module}:{module}"
        for name in COMMANDS
        for module in [name.replace("-", "_")]
    },
}
"""Import string of every variant that ships with this package, by kind and name."""


def resolve(kind: str, name: str, *, trust: bool = True) -> Any:
    """Return the variant called `name`.

    Args:
        kind: Key of `BUILT_IN`, such as "architectures".
        name: Built-in name, name of an entry point, or "package.module:attribute".
        trust: Whether code outside this package may be imported. Pass False for names that come
            from a file, unless its user vouches for the file.

    Raises:
        UsageError: If there is no such variant; the message lists the valid names.
        ModelError: If the variant is code outside this package and `trust` is False.
    """
    if target := BUILT_IN[kind].get(name):
        return _import(target, kind)
    check_name(kind, name)
    if not trust:
        raise ModelError(
            f"{_noun(kind)} {name} is code outside Ankleboot; pass --trust to import it"
        )
    if ":" in name:
        return _import(name, kind)
    try:
        return _entry_points(kind)[name].load()
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{_noun(kind)} {name} cannot be imported ({error})") from error


def check_name(kind: str, name: str) -> None:
    """Refuse a name that `resolve` does not know; nothing is imported.

    Raises:
        UsageError: If there is no such variant; the message lists the valid names.
    """
    if ":" not in name and name not in names(kind):
        valid = [*names(kind), "package.module:attribute"]
        raise UsageError(unknown_name(_noun(kind), name, valid))


def names(kind: str) -> tuple[str, ...]:
    """Return the names of a kind, built-in ones first; nothing is imported."""
    return tuple(dict.fromkeys((*BUILT_IN[kind], *sorted(_entry_points(kind)))))


def is_name(kind: str, name: str) -> bool:
    """Return whether `name` may be resolved; "package.module:attribute" is taken on trust."""
    return name in BUILT_IN[kind] or _is_import_string(name) or name in _entry_points(kind)


def distributions(kind: str, name: str) -> dict[str, str]:
    """Return name and version of what provides a variant from outside; {} for loose files."""
    if ":" not in name:
        provider = _entry_points(kind)[name].dist
        return {provider.name: provider.version} if provider else {}
    package = name.partition(":")[0].partition(".")[0]
    providers = sorted(set(metadata.packages_distributions().get(package, [])))
    return {provider: metadata.version(provider) for provider in providers}


def _noun(kind: str) -> str:
    return {"datasets": "data set", "studies": "study"}.get(kind, kind.removesuffix("s"))


def _is_import_string(name: str) -> bool:
    module, colon, attribute = name.partition(":")
    return bool(colon) and all(part.isidentifier() for part in [*module.split("."), attribute])


@functools.cache
def _entry_points(kind: str) -> Mapping[str, Any]:
    """Return the entry points of a kind; importlib_metadata, once imported, makes its own class."""
    return {point.name: point for point in _installed().select(group=f"ankleboot.{kind}")}


@functools.cache
def _installed() -> Any:  # an EntryPoints from Python 3.12 on
    """Read the entry points of all packages once, which takes 40 ms."""
    return metadata.entry_points()


def _import(target: str, kind: str) -> Any:
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # the module is there and lacks one of its own dependencies
        raise UsageError(f"{_noun(kind)} {target}: no module {error.name}") from error
    except AttributeError as error:
        raise UsageError(f"{_noun(kind)} {target}: no such attribute") from error
