"""Construction of the network that a recipe names.

Every model takes `inputs` of shape (n, size, size, 1 or 3) in [0, 1] and ends in the layers
"logits" and "probs" of shape (n, classes). It contains its input scaling, so that a saved model
does not depend on its recipe.
"""

import keras

from ankleboot.core import plugins
from ankleboot.core.errors import UsageError
from ankleboot.core.types import NUM_CLASSES
from ankleboot.models import layers
from ankleboot.models.layers import ComputePolicy
from ankleboot.recipes.recipe import Recipe


def build_model(
    recipe: Recipe, policy: ComputePolicy | None = None, *, num_classes: int = NUM_CLASSES
) -> keras.Model:
    """Build the recipe's network with initial weights from its seed.

    Without a policy the network computes in float32 and consists of Keras' own layers, so that its
    file opens everywhere. The variables are the same with every policy.

    Raises:
        UsageError: If the architecture is unknown, or its model has another form.
    """
    build = plugins.resolve("architectures", recipe.architecture)
    model: keras.Model = build(recipe, policy or ComputePolicy(), num_classes)
    if recipe.architecture not in plugins.BUILT_IN["architectures"]:
        _check_form(model, recipe, num_classes)
    return model


def _check_form(model: keras.Model, recipe: Recipe, num_classes: int) -> None:
    """Refuse a model from outside the package with other inputs or last layers."""
    names = [layer.name for layer in model.layers[-2:]]
    inputs, outputs = model.input_shape, model.output_shape
    expected = (None, *layers.input_shape(recipe))
    if (names, inputs, outputs) != (["logits", "probs"], expected, (None, num_classes)):
        raise UsageError(
            f"architecture {recipe.architecture}: expected inputs {expected}, last layers logits "
            f"and probs with {num_classes} classes; got inputs {inputs}, last layers {names}, "
            f"outputs {outputs}"
        )
