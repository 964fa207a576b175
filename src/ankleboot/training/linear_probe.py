"""Linear layer on frozen features: logistic regression, fitted in seconds.

It judges labels out of fold: an image is predicted by a layer that was fitted to other images.

Source: Alain and Bengio 2016 (linear probes), https://arxiv.org/abs/1610.01644
"""

import hashlib
import warnings

import numpy as np

from ankleboot.core.array_cache import cached_array
from ankleboot.core.errors import DataError
from ankleboot.core.paths import cache_folder
from ankleboot.core.types import Features, Indices, Labels, Probs
from ankleboot.data.splits import deal_folds

PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01)
"""Weights of the squared norm beside the mean loss; the one with the least loss is taken."""

FOLD_SEED = 0
PROBE_VERSION = 1  # of the arithmetic between features and probabilities
MAX_STEPS = 200  # of L-BFGS; the labels are judged the same long before it converges
MIN_JUDGED = 1_000  # images that choose the penalty, if there are as many


class LinearProbe:
    """Logistic regression on standardized features."""

    def __init__(
        self, features: Features, labels: Labels, num_classes: int, penalty: float
    ) -> None:
        """Fit the layer; a class without images keeps the probability 0."""
        from sklearn.linear_model import LogisticRegression

        self._mean = features.mean(axis=0)
        self._std = features.std(axis=0) + 1e-6
        self._num_classes = num_classes
        self._model = LogisticRegression(C=1 / (penalty * len(labels)), max_iter=MAX_STEPS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of steps that ran out
            self._model.fit((features - self._mean) / self._std, labels)

    def predict(self, features: Features) -> Probs:
        """Return one row of probabilities per image."""
        probs = np.zeros((len(features), self._num_classes), np.float32)
        known = self._model.classes_
        probs[:, known] = self._model.predict_proba((features - self._mean) / self._std)
        return probs


def out_of_fold_probs(
    features: Features, labels: Labels, groups: Indices | None, num_classes: int, folds: int
) -> Probs:
    """Predict each image with a layer fitted to the other folds.

    The result is kept in the cache, so that an audit and the page for its suspects share it.

    Raises:
        DataError: If there are fewer groups than folds, or all but one fold are of one class.
    """
    fold_of = deal_folds(labels, groups, folds, np.random.default_rng(FOLD_SEED))
    digest = hashlib.sha256(f"{PROBE_VERSION} {num_classes} {folds}".encode())
    for array in (features, labels.astype("<i8"), fold_of):
        digest.update(np.ascontiguousarray(array).tobytes())
    key = digest.hexdigest()[:32]

    def predict() -> Probs:
        probs = np.empty((len(labels), num_classes), np.float32)
        penalty = choose_penalty(features, labels, fold_of, num_classes)
        for fold in range(folds):
            held_out = fold_of == fold
            probs[held_out] = _held_out(features, labels, held_out, num_classes, penalty)
        return probs

    return cached_array(cache_folder("image-features") / f"folds-{key}", key, predict)


def choose_penalty(features: Features, labels: Labels, fold_of: Indices, num_classes: int) -> float:
    """Return the penalty with the least cross-entropy on held-out folds."""
    folds = int(fold_of.max()) + 1
    num_choosing = min(folds, -(-MIN_JUDGED * folds // len(labels)))
    return min(
        PENALTIES,
        key=lambda each: _loss(features, labels, fold_of, num_classes, num_choosing, each),
    )


def _loss(
    features: Features,
    labels: Labels,
    fold_of: Indices,
    num_classes: int,
    num_choosing: int,
    penalty: float,
) -> float:
    """Return the mean cross-entropy of the first folds under a penalty."""
    losses = []
    for fold in range(num_choosing):
        is_held_out = fold_of == fold
        probs = _held_out(features, labels, is_held_out, num_classes, penalty)
        given = probs[np.arange(len(probs)), labels[is_held_out]]
        losses.append(-np.log(np.maximum(given, 1e-7)))
    return float(np.concatenate(losses).mean())


def _held_out(
    features: Features, labels: Labels, is_held_out: np.ndarray, num_classes: int, penalty: float
) -> np.ndarray:
    others = labels[~is_held_out]
    if len(np.unique(others)) < 2:
        raise DataError("the images outside of a fold are all of one class; expected two or more")
    return LinearProbe(features[~is_held_out], others, num_classes, penalty).predict(
        features[is_held_out]
    )
