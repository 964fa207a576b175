"""Prediction of several garments on a photo, one by one.

Garments lie apart if they are separate components of the segmentation's mask; those that touch
are one. A photo with a single garment, or a pair of shoes, costs nothing here.
"""

from dataclasses import replace

import numpy as np

from ankleboot.data.preprocessing.preprocess import DecodedImage
from ankleboot.data.preprocessing.segmentation import Segmentation, separate_garments
from ankleboot.inference.decide import GarmentPrediction, Prediction, decide
from ankleboot.inference.ood_features import similarity_of
from ankleboot.inference.predictor import Predictor
from ankleboot.inference.views import predict_counted


def predict_garments(
    prediction: Prediction,
    decoded: DecodedImage,
    garment: Segmentation,
    predictor: Predictor,
    *,
    abstain_below: float | None = None,
) -> Prediction:
    """Add the predictions of the garments one by one to that of a photo with several.

    `predictor` is the one that predicted the photo.
    """
    separate = separate_garments(garment.mask)
    info = predictor.info
    images = [decoded.preprocess_garment(entry, info.image_spec) for entry in separate]
    rows, passes = predict_counted(predictor, np.stack(images))
    found = []
    for entry, image, probs in zip(separate, images, rows, strict=True):
        similarity = similarity_of(image, info)
        alone = decide(
            image, None, probs, info, similarity_of=similarity, abstain_below=abstain_below
        )
        found.append(
            GarmentPrediction(
                box=entry.box,
                label=alone.label,
                confidence=alone.confidence,
                abstained=alone.abstained,
                reason=alone.reason,
                cause=alone.cause,
            )
        )
    total = prediction.passes + int(passes.sum())
    return replace(prediction, passes=total, garments=tuple(found))
