"""MediaPipe's own classifier runs a file of ours, and knows the names of its classes.

MediaPipe needs another OpenCV than training does, so `make pages` runs this.
"""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from ankleboot.export.tflite_metadata import add_tflite_metadata
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.checksums import add_tflite_checksum, read_verified_tflite
from ankleboot.models.pretrained import catalog

REASON = "needs mediapipe: make pages"


@pytest.mark.filterwarnings("ignore")
def test_mediapipe_gives_names_and_the_same_probabilities(tmp_path: Path) -> None:
    mediapipe = pytest.importorskip("mediapipe", reason=REASON)
    tasks = pytest.importorskip("mediapipe.tasks.python", reason=REASON)
    network, info = read_verified_tflite(catalog.FOLDERS[catalog.PHOTO] / catalog.MODEL_FILE)
    path = tmp_path / "photo.tflite"
    path.write_bytes(add_tflite_checksum(add_tflite_metadata(network, info), info))
    height, width, _ = info.image_spec.image_shape  # both views, as MediaPipe gets no others
    rows, columns = np.mgrid[:height, :width]
    pixels = np.stack([rows // 2, columns, 255 - rows // 2], axis=-1).astype(np.uint8)
    options = tasks.vision.ImageClassifierOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(path)), max_results=-1
    )
    content = io.BytesIO()
    PillowImage.fromarray(pixels).save(content, "PNG")
    (tmp_path / "a.png").write_bytes(content.getvalue())
    with tasks.vision.ImageClassifier.create_from_options(options) as classifier:
        image = mediapipe.Image.create_from_file(str(tmp_path / "a.png"))
        (result,) = classifier.classify(image).classifications
    scores = {category.category_name: category.score for category in result.categories}
    assert set(scores) == set(info.labels)
    (expected,) = load_predictor(path).predict(pixels[None])
    given = [scores[label] for label in info.labels]
    np.testing.assert_allclose(given, expected, atol=0.02)  # another processor path
