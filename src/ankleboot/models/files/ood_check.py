"""Out-of-distribution check in a model's metadata: what its training images look like; NumPy alone.

A network that has not learned the classes computes features (`inference/ood_features.py`).
The check holds centers of the training images' features for each label. An image far from all
centers of its predicted label is of another kind than the images that the model learned.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Annotated, Any

import msgspec
import numpy as np

from ankleboot.core.errors import ModelError
from ankleboot.core.types import Features, PackedArray, pack_array, unpack_array

NUM_NEAREST = 3  # centers of a label that an image is compared with
MAX_CENTERS = 2_000  # of all labels: half a megabyte in the metadata
NUM_FEATURES = 192  # of the shipped network
ZERO = 128  # byte that stands for 0

Similarity = Annotated[float, msgspec.Meta(ge=-1, le=1)]


@dataclass(frozen=True)
class OodCheck:
    """Centers of the training images' features, and the similarity that an image must reach.

    Attributes:
        centers: Unit vectors (centers, features) as bytes, the labels one after the other.
        labels: Labels in that order, which is the order of the model's outputs.
        counts: Number of centers of each label; an image of a label without one passes.
        threshold: Lowest similarity of images like the training images.
        num_images: Training images that the threshold rests on.
    """

    centers: PackedArray
    labels: tuple[str, ...]
    counts: tuple[Annotated[int, msgspec.Meta(ge=0, le=MAX_CENTERS)], ...]
    threshold: Similarity
    num_images: Annotated[int, msgspec.Meta(ge=0)]

    @classmethod
    def of(cls, centers: Mapping[str, np.ndarray], threshold: float, num_images: int) -> "OodCheck":
        """Store the centers (number, features) of each label, which are unit vectors."""
        every = np.concatenate(list(centers.values()))
        steps = np.rint(every * (127 / max(float(np.abs(every).max(initial=0)), 1e-6)))
        packed: Any = pack_array((steps + ZERO).astype(np.uint8))
        counts = tuple(map(len, centers.values()))
        return cls(packed, tuple(centers), counts, threshold, num_images)

    @classmethod
    def from_json(cls, document: Mapping[str, Any], path: object) -> "OodCheck":
        """Rebuild a check from its document; messages name the path.

        Raises:
            ModelError: If a field is unknown, missing or does not fit the others.
        """
        try:
            check: OodCheck = msgspec.convert(dict(document), cls)
            if unknown := sorted(document.keys() - vars(check).keys()):
                raise ValueError(f"unknown field {unknown[0]}")
            centers = _unit_vectors(check)
            if len(centers) != sum(check.counts):
                raise ValueError(f"{len(centers)} centers for {sum(check.counts)}")
            if len(check.labels) != len(check.counts):
                raise ValueError(f"{len(check.labels)} labels for {len(check.counts)} counts")
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path}: damaged out-of-distribution check ({error})") from error
        return check

    def to_json(self) -> dict[str, Any]:
        """Return the document that `from_json` turns back into an equal object."""
        return asdict(self) | {"labels": list(self.labels), "counts": list(self.counts)}

    def reordered(self, names: Mapping[str, str]) -> "OodCheck":
        """Return the check of a model whose outputs have another order, and other names.

        Args:
            names: Present label of each new one, in the new order.
        """
        blocks = np.split(unpack_array(self.centers), np.cumsum(self.counts)[:-1])
        own = dict(zip(self.labels, blocks, strict=True))
        chosen = [own[old] for old in names.values()]
        packed: Any = pack_array(np.concatenate(chosen))
        return replace(self, centers=packed, labels=tuple(names), counts=tuple(map(len, chosen)))

    def similarity(self, features: np.ndarray, index: int) -> float:
        """Compare the features of an image with the centers of the label of that index.

        Returns:
            Mean cosine to the `NUM_NEAREST` nearest centers; 1 for a label without a center.
        """
        end = sum(self.counts[: index + 1])
        centers = _unit_vectors(self)[end - self.counts[index] : end]
        return float(mean_cosine(features[np.newaxis], centers)[0])


def mean_cosine(features: Features, centers: np.ndarray) -> np.ndarray:
    """Return each row's mean cosine to its nearest centers, at most `NUM_NEAREST`; 1 without one.

    `centers` are unit vectors (number, features).
    """
    if not len(centers):
        return np.ones(len(features))
    cosines = np.sort(unit_vectors(features) @ centers.T, axis=1)
    mean: np.ndarray = cosines[:, -NUM_NEAREST:].mean(axis=1)
    return mean


def unit_vectors(features: Features) -> Features:
    """Divide each row by its length."""
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit: np.ndarray = (features / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


def _unit_vectors(check: OodCheck) -> Features:
    packed = check.centers
    return _unpack(tuple(packed["shape"]), packed["dtype"], packed["values"])


@lru_cache(maxsize=8)  # decoding takes as long as a comparison
def _unpack(shape: tuple[int, ...], dtype: str, values: str) -> Features:
    if dtype != "uint8" or len(shape) != 2:
        raise ValueError(f"centers of type {dtype} and shape {shape}")
    if not (0 < shape[0] <= MAX_CENTERS and shape[1] == NUM_FEATURES):
        raise ValueError(f"centers of shape {shape}")
    unpacked = unpack_array({"shape": shape, "dtype": dtype, "values": values})
    return unit_vectors(unpacked.astype(np.float32) - ZERO)
