"""Pseudo-labels: labels of photos without any, from two networks that have learned none of them.

The zero-shot model judges the outline of a garment, and the ImageNet classifier its look, by names
that it has for garments. Their answers are balanced, so that no class takes the photos of others,
and a linear classifier on frozen features, which learns from them, corrects them a few times.

Sources: Lee 2013, "Pseudo-Label", ICML workshop on challenges in representation learning; Cuturi
2013 (Sinkhorn), https://arxiv.org/abs/1306.0895; Asano, Rupprecht, Vedaldi 2020 (labels under
balance), https://arxiv.org/abs/1911.05371.
"""

import warnings
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from ankleboot.core.types import Features, Probs

IMAGENET_NAMES: Mapping[str, tuple[int, ...]] = {
    "T-shirt/top": (610,),  # jersey, T-shirt
    "Trouser": (608, 697),  # jean; pajama
    "Pullover": (474, 841, 911),  # cardigan; sweatshirt; wool
    "Dress": (400, 578, 601, 614),  # academic gown; gown; hoopskirt; kimono
    "Coat": (568, 617, 735, 834, 869),  # fur coat; lab coat; poncho; suit; trench coat
    "Sandal": (502, 774),  # clog; sandal
    "Shirt": (),  # there is no such name
    "Sneaker": (630, 770),  # loafer; running shoe
    "Bag": (414, 636, 748),  # backpack; mailbag; purse
    "Ankle boot": (514,),  # cowboy boot
}
"""Indices of the ImageNet names of the ten classes."""

OTHER = "something else"
OTHER_NAMES = (
    *(433, 434, 439, 452, 515, 518, 793, 808),  # bathing cap, towel, bearskin, bonnet, hats, helmet
    *(655, 689, 775, 842),  # miniskirt, overskirt, sarong, swimming trunks
    *(411, 445, 459, 529, 638, 639, 806),  # apron, bikini, brassiere, diaper, maillots, sock
)
"""Indices of the ImageNet names of clothes that are none of the ten classes."""

MIN_NAME_PROB = 0.02  # added to all; as large for a class without a name
OTHER_PROB = 0.1  # stands for the answer of the zero-shot model, which has no such class
TEMPER = 0.8  # exponent of the estimated frequencies: 0 makes them equal, 1 keeps them
ROUNDS = 3
PRIOR_WEIGHT = 0.4  # exponent of the two networks' answers beside those of the classifier
PENALTY = 0.1  # weight of the squared norm beside the mean loss
NUM_COMPONENTS = 128  # principal ones of the 1,280 features: a tenth of the arithmetic
MAX_STEPS = 60  # of L-BFGS; later ones change no label
MIN_WEIGHT = 0.01  # less probable classes of a photo are not learned
SINKHORN_STEPS = 50
SMALLEST = 1e-9

Frequencies = Float[np.ndarray, " classes"]
KnownProbs = Float[np.ndarray, "n known"]
"""Probabilities of the ten classes, in their order."""
NameProbs = Float[np.ndarray, "n names"]
"""Probabilities of the 1,000 names of ImageNet."""
Inputs = Float[np.ndarray, "n inputs"]
"""Inputs of the linear classifier, which are components of features."""


def prior_probs(zero_shot: KnownProbs, imagenet: NameProbs) -> Probs:
    """Multiply the answers of both networks.

    Returns:
        Probabilities of the ten classes and, in the last column, of something else.
    """
    names = (*IMAGENET_NAMES.values(), OTHER_NAMES)
    named = np.stack([imagenet[:, list(indices)].sum(axis=1) for indices in names], axis=1)
    named[:, [not indices for indices in names]] = MIN_NAME_PROB
    known = np.pad(zero_shot, ((0, 0), (0, 1)), constant_values=OTHER_PROB)
    return _normalized(known * (named + MIN_NAME_PROB))


def estimated_frequencies(prior: Probs) -> Frequencies:
    """Return the expected share of each class, moved a little towards equal shares."""
    tempered: np.ndarray = prior.mean(axis=0) ** TEMPER
    shares: np.ndarray = tempered / tempered.sum()
    return shares


def balanced(probs: Probs, frequencies: Frequencies) -> Probs:
    """Scale the classes until each is as frequent as expected (Sinkhorn's iterations)."""
    scaled = probs + SMALLEST
    for _ in range(SINKHORN_STEPS):
        scaled = _normalized(scaled * (frequencies / scaled.mean(axis=0)))
    return scaled


def _normalized(values: np.ndarray) -> np.ndarray:
    normalized: np.ndarray = values / values.sum(axis=1, keepdims=True)
    return normalized


class Components:
    """Principal components of features, all scaled by one factor, so that the first ones lead."""

    def __init__(self, features: Features) -> None:
        """Find the components."""
        from sklearn.decomposition import PCA

        self._scale = float(np.sqrt(features.var(axis=0).mean())) or 1.0
        self._pca = PCA(min(NUM_COMPONENTS, *features.shape), random_state=0)
        self._pca.fit(features / self._scale)

    def of(self, features: Features) -> Inputs:
        """Return the components of the same or of other features."""
        components: np.ndarray = self._pca.transform(features / self._scale)
        return components


class SoftClassifier:
    """Linear classifier that is fitted to probabilities."""

    def __init__(self, inputs: Inputs, probs: Probs) -> None:
        """Fit the classifier.

        scikit-learn, which `linear_probe` uses as well, takes one class per row. A row for each
        class, weighted by its probability, has the same loss.
        """
        from sklearn.linear_model import LogisticRegression

        rows, labels = np.nonzero(probs > MIN_WEIGHT)
        weights = probs[rows, labels]
        self._num_classes = probs.shape[1]
        self._model = LogisticRegression(C=1 / (PENALTY * weights.sum()), max_iter=MAX_STEPS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of steps that ran out
            self._model.fit(inputs[rows], labels, sample_weight=weights)

    def predict(self, inputs: Inputs) -> Probs:
        """Return one row of probabilities per photo."""
        probs = np.zeros((len(inputs), self._num_classes))
        probs[:, self._model.classes_] = self._model.predict_proba(inputs)
        return probs


def refined(inputs: Inputs, prior: Probs, frequencies: Frequencies) -> Probs:
    """Return soft labels: the balanced prior, corrected by a classifier that learns from it."""
    probs = balanced(prior, frequencies)
    for _ in range(ROUNDS):
        learned = SoftClassifier(inputs, probs).predict(inputs)
        probs = balanced(_normalized(learned * prior**PRIOR_WEIGHT + SMALLEST), frequencies)
    return probs


def chosen(probs: Probs, min_confidence: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the confidences, whether each label is kept, and whether it is something else."""
    confidences = probs.max(axis=1)
    is_other = probs.argmax(axis=1) == probs.shape[1] - 1
    return confidences, (confidences >= min_confidence) & ~is_other, is_other
