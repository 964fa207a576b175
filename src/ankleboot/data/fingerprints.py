"""Fingerprints of images, by which a run recognizes those that it learned."""

import hashlib

import numpy as np

from ankleboot.core.types import Fingerprints, Indices, SomeImages

BLOCK = 1_000  # images read at a time, which bounds the memory


def fingerprints(images: SomeImages, indices: Indices) -> Fingerprints:
    """Compute the fingerprints of some of the images, in the order of `indices`."""
    digests = bytearray()
    for start in range(0, len(indices), BLOCK):
        for image in np.ascontiguousarray(images[indices[start : start + BLOCK]]):
            digests += hashlib.blake2b(image.data, digest_size=8).digest()
    return np.frombuffer(bytes(digests), "<u8").astype(np.uint64)
