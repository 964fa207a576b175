"""Muon against the singular value decomposition."""

from dataclasses import replace

import numpy as np

from ankleboot.models import architectures
from ankleboot.recipes.catalog import SPRINT
from ankleboot.training.optimizers.build import build_optimizer
from ankleboot.training.optimizers.muon import SGD_RATIO, orthogonalize

SPRINT_LIKE = replace(SPRINT, precision="float32")


def test_muon_makes_steps_orthogonal() -> None:
    """The oracle is U V^T of the singular value decomposition; the iteration stops near it."""
    for shape in ((12, 5), (5, 12)):
        matrix = np.random.default_rng(3).normal(size=shape).astype(np.float32)
        u, _, v = np.linalg.svd(matrix, full_matrices=False)
        ours = np.asarray(orthogonalize(matrix))
        singular = np.linalg.svd(ours, compute_uv=False)
        assert 0.6 < singular.min() <= singular.max() < 1.3
        cosine = (ours * (u @ v)).sum() / np.linalg.norm(ours) / np.linalg.norm(u @ v)
        assert cosine > 0.97


def test_muon_orthogonalizes_the_steps_of_kernels_alone() -> None:
    model = architectures.build_model(SPRINT_LIKE)
    optimizer = build_optimizer(SPRINT)
    variables = model.trainable_variables
    optimizer.build(variables)
    optimizer.learning_rate.assign(0.1)
    before = [np.array(v) for v in variables]
    gradients = [np.random.default_rng(4).normal(size=v.shape).astype(np.float32) for v in before]
    optimizer.apply(gradients, variables)
    for variable, old, gradient in zip(variables, before, gradients, strict=True):
        step = old - np.array(variable)
        if "conv" in variable.path and "kernel" in variable.path:
            rows = step.reshape(-1, step.shape[-1])
            singular = np.linalg.svd(rows, compute_uv=False) / (
                0.1 * (rows.shape[0] / rows.shape[1]) ** 0.5
            )
            assert 0.6 < singular.min() <= singular.max() < 1.3
        else:  # the first step of Nesterov momentum is 1 + momentum times the gradient
            np.testing.assert_allclose(step, 0.1 * SGD_RATIO * 1.9 * gradient, atol=1e-5)
