"""Muon for convolutions and dense layers.

Keras' own Muon updates only matrices, and leaves convolutions to AdamW.
"""

from typing import Any

import keras
from keras import ops

from ankleboot.recipes.recipe import Recipe

SGD_RATIO = 6.0  # learning rate of variables with plain momentum steps, over that of kernels
NEWTON_SCHULZ_STEPS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)  # of the source: fast, to singular values from 0.7 to 1.2


class Muon(keras.optimizers.Optimizer):  # type: ignore[misc]  # Keras has no types
    """Momentum with orthogonalized steps for kernels (Jordan et al. 2024).

    A convolution's kernel (height, width, in, out) is treated as a matrix (height * width * in,
    out). Vectors, and the kernel of the layer "logits", take steps of SGD with Nesterov momentum
    and `SGD_RATIO` times the learning rate.

    Source: https://kellerjordan.github.io/posts/muon/
    """

    def __init__(self, momentum: float = 0.9, weight_decay: float | None = None) -> None:
        super().__init__(learning_rate=0.01, weight_decay=weight_decay, name="muon")
        self.momentum = momentum

    def build(self, variables: list[Any]) -> None:
        if self.built:
            return
        super().build(variables)
        self._buffers = self.add_optimizer_variables(variables, "momentum")
        # all kernels but that of the last layer, and of depthwise convolutions, which mix nothing
        self._are_kernels = [
            len(v.shape) > 1 and "logits" not in v.path and "depthwise" not in v.path
            for v in variables
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        buffer = self._buffers[index]
        gradient = ops.cast(gradient, variable.dtype)
        self.assign(buffer, buffer * self.momentum + gradient)
        step = gradient + buffer * self.momentum
        if self._are_kernels[index]:
            flat = ops.reshape(step, (-1, step.shape[-1]))
            rows, columns = flat.shape
            scale = max(1.0, rows / columns) ** 0.5
            step = scale * ops.reshape(orthogonalize(flat), step.shape)
        else:
            step = SGD_RATIO * step
        self.assign_sub(variable, learning_rate * step)


def orthogonalize(matrix: Any) -> Any:
    """Approximate the nearest orthogonal matrix: U S V^T becomes about U V^T.

    The Newton-Schulz iteration of the source takes its products on the smaller side.
    """
    a, b, c = QUINTIC
    x = matrix / (ops.norm(matrix) + 1e-7)
    tall = matrix.shape[0] > matrix.shape[1]
    for _ in range(NEWTON_SCHULZ_STEPS):
        square = ops.matmul(ops.transpose(x), x) if tall else ops.matmul(x, ops.transpose(x))
        inner = b * square + c * ops.matmul(square, square)
        x = a * x + (ops.matmul(x, inner) if tall else ops.matmul(inner, x))
    return x


def muon(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Make Muon from a recipe."""
    return Muon(momentum=recipe.momentum, weight_decay=recipe.weight_decay or None)
