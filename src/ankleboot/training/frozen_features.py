"""Features of a frozen backbone: computed once for a set of images, then read from the cache."""

import hashlib
import json

import numpy as np

from ankleboot.core.array_cache import cached_array
from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.paths import cache_folder
from ankleboot.core.progress import report_progress
from ankleboot.core.types import Features, Images, to_inputs
from ankleboot.data.load import Progress
from ankleboot.recipes.recipe import Recipe

FEATURES_VERSION = 1  # of the arithmetic between images and features
BLOCK = 256  # images in memory as float32 at a time: 150 MiB at 224 x 224 in color
REPORT_EVERY = 2_048  # images between two lines of progress


def backbone_features(images: Images, recipe: Recipe, progress: Progress) -> Features:
    """Return the features of images as `recipe`'s backbone computes them, before any training.

    Images of another size than the recipe's are resized, which costs less than the backbone does.

    Raises:
        EnvironmentFailure: If the backbone's weights are missing.
    """
    key = _key(images, recipe)
    path = cache_folder("image-features") / key
    return cached_array(path, key, lambda: _compute(images, recipe, progress))


def _key(images: Images, recipe: Recipe) -> str:
    """Return a hash of the pixels and of all that turns them into features."""
    network = [FEATURES_VERSION, recipe.backbone, recipe.weights, recipe.precision]
    network += [recipe.image_size]
    digest = hashlib.sha256(json.dumps([network, list(images.shape)]).encode())
    for start in range(0, len(images), BLOCK):
        digest.update(np.ascontiguousarray(images[start : start + BLOCK]).tobytes())
    return digest.hexdigest()[:32]


def _resized(images: Images, size: int) -> np.ndarray:
    """Return square images with `size` pixels per side."""
    if images.shape[1] == size:
        return np.asarray(images)
    import cv2

    return np.stack([cv2.resize(i, (size, size), interpolation=cv2.INTER_AREA) for i in images])


def _compute(images: Images, recipe: Recipe, progress: Progress) -> Features:
    from ankleboot.core.silence import import_keras

    import_keras()
    from ankleboot.models.architectures import build_model
    from ankleboot.models.layers import ComputePolicy
    from ankleboot.training.engines import base

    progress(f"computing features of {len(images):,} images, once: {recipe.backbone}")
    policy = ComputePolicy(base.compute_dtype(recipe))
    extractor = base.feature_extractor(build_model(recipe, policy, num_classes=2))
    size = base.evaluation_batch(recipe)
    try:
        blocks = []
        for start in range(0, len(images), BLOCK):
            if start and start % REPORT_EVERY == 0:
                progress(f"features of {start:,} of {len(images):,} images")
            inputs = to_inputs(_resized(images[start : start + BLOCK], recipe.image_size))
            blocks.append(extractor.predict(inputs, batch_size=size, verbose=0))
            report_progress("features", min(start + BLOCK, len(images)), len(images))
    except Exception as error:
        if not base.is_out_of_memory(error):
            raise
        raise EnvironmentFailure("out of memory while computing features") from error
    return np.concatenate(blocks).astype(np.float32)
