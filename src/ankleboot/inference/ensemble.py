"""Ensemble: several models that predict as one, by the mean of their probabilities.

`evaluation/ensemble.py` fits its temperature and threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ankleboot.core.files import sha256_of
from ankleboot.core.types import Images, Probs
from ankleboot.models.files.calibration import Calibration, apply_temperature
from ankleboot.models.files.metadata import ModelMetadata

if TYPE_CHECKING:
    from ankleboot.inference.load import ResolvedModel

FORMAT = "ensemble"


class EnsemblePredictor:
    """Mean of the calibrated probabilities of several models, with a temperature of its own.

    Attributes:
        members: Models of the same classes, image spec, data and split.
    """

    def __init__(
        self, members: Sequence[ResolvedModel], calibration: Calibration | None = None
    ) -> None:
        self.members = tuple(members)
        self.name = " + ".join(member.name for member in members)
        self.info = _metadata([member.predictor.info for member in members])
        if calibration is not None:
            self.info = replace(
                self.info,
                temperature=calibration.temperature,
                abstain_below=calibration.abstain_below,
            )

    def with_members(self, members: Sequence[ResolvedModel]) -> EnsemblePredictor:
        """Return an ensemble with the same calibration of the same models in other formats."""
        changed = EnsemblePredictor(members)
        changed.info = self.info
        return changed

    def predict(self, images: Images) -> Probs:
        """Return the calibrated mean."""
        return self.combine([member.predictor.predict(images) for member in self.members])

    def combine(self, probs: Sequence[Probs]) -> Probs:
        """Return the calibrated mean of the members' probabilities."""
        mean = np.stack(probs).mean(axis=0, dtype=np.float64).astype(np.float32)
        return apply_temperature(mean, self.info.temperature)


def _metadata(members: Sequence[ModelMetadata]) -> ModelMetadata:
    """Describe the ensemble without a calibration; it is known by the hashes of its members."""
    hashes = [info.model_sha256 for info in members]
    return replace(
        members[0],
        recipe=" + ".join(dict.fromkeys(info.recipe for info in members)),
        format=FORMAT,
        model_sha256=sha256_of("".join(sorted(hashes)).encode()) if all(hashes) else "",
        parameters=sum(info.parameters for info in members),
        passes=sum(info.passes for info in members),
        temperature=1.0,
        abstain_below=0.0,
    )
