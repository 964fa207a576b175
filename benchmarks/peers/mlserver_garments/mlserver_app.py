"""MLServer with a runtime of our own, which takes images in base64.

mlserver start mlserver_garments
"""

import sys
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import Base64Codec, NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

sys.path.insert(0, str(Path(__file__).parents[1]))
from garments import LABELS, Garments, decode


class GarmentModel(MLModel):
    """Images of a request, or of several that were batched."""

    async def load(self) -> bool:
        self.garments = Garments()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        files = Base64Codec.decode_input(payload.inputs[0])
        probs = self.garments.predict(np.stack([decode(content) for content in files]))
        labels = [LABELS[index] for index in probs.argmax(axis=1)]
        return InferenceResponse(
            model_name=self.name,
            outputs=[
                NumpyCodec.encode_output("probs", probs),
                StringCodec.encode_output("label", labels),
            ],
        )
