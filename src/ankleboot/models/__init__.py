"""The architectures, one per file: a function from a Recipe to an untrained Keras model.

Every model takes `inputs` (n, size, size, 1 or 3) in [0, 1], ends in a layer "logits" (n, classes)
followed by a softmax "probs", and holds its own input normalisation, so that a saved model needs to
know nothing of its recipe. To add an architecture, add a file and a line here (and to
the choices of `Recipe.model`; a test compares the two).
"""

from collections.abc import Callable
from typing import Any

import keras

from ankleboot.arrays import NUM_CLASSES
from ankleboot.models import cnn, dense, transfer
from ankleboot.models.layers import Arithmetic
from ankleboot.recipes import Recipe

MODELS: dict[str, Callable[[Recipe, Arithmetic, int], Any]] = {
    "cnn": cnn.build,
    "dense": dense.build,
    "transfer": transfer.build,
}


def build(
    recipe: Recipe, arithmetic: Arithmetic | None = None, *, num_classes: int = NUM_CLASSES
) -> keras.Model:
    """Build the recipe's network with freshly initialised weights (decided by its seed).

    Without an arithmetic it computes in float32 and is made of Keras' own layers, so that a file
    of it opens everywhere; the variables are the same with any.
    """
    return MODELS[recipe.model](recipe, arithmetic or Arithmetic(), num_classes)
