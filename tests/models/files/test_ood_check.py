"""The out-of-distribution check as stored in metadata, against cosines of SciPy."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ankleboot.core.errors import ModelError
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.files.ood_check import MAX_CENTERS, OodCheck, unit_vectors

RNG = np.random.default_rng(0)
CENTERS = {
    label: unit_vectors(RNG.normal(size=(n, 192)).astype(np.float32))
    for label, n in (("a", 5), ("b", 2), ("c", 0))
}
CHECK = OodCheck.of(CENTERS, 0.4, 100)


def test_the_similarity_is_the_mean_cosine_to_the_three_nearest_centers() -> None:
    features = RNG.normal(size=192).astype(np.float32)
    for index, centers in enumerate([CENTERS["a"], CENTERS["b"]]):
        cosines = 1 - cdist(features[np.newaxis], centers, "cosine")[0]
        expected = np.sort(cosines)[-3:].mean()
        assert CHECK.similarity(features, index) == pytest.approx(expected, abs=0.01)
    assert CHECK.similarity(features, 2) == 1  # a label without a center lets every image pass


def test_a_check_survives_json_inside_the_metadata() -> None:
    info = ModelMetadata(
        labels=("a", "b", "c"),
        image_size=32,
        color=True,
        crop="none",
        ood_check=CHECK.to_json(),
    )
    again = ModelMetadata.from_text(json.dumps(info.to_json()), "file")
    assert again == info
    assert OodCheck.from_json(again.ood_check, "file") == CHECK
    for labels in (("a", "b"), ("a", "c", "b")):
        with pytest.raises(ModelError, match="file: damaged metadata .*check of other labels"):
            ModelMetadata.from_json(replace(info, labels=labels).to_json(), "file")
    with pytest.raises(ModelError, match="file: damaged metadata .*gray"):
        ModelMetadata.from_json(replace(info, color=False).to_json(), "file")


def test_a_model_with_its_outputs_in_another_order_gets_the_check_in_that_order() -> None:
    """The shipped model for photos refused nine of ten trousers: it had the folders' order."""
    features = RNG.normal(size=192).astype(np.float32)
    names = {"C": "c", "A": "a", "B": "b"}
    check = CHECK.reordered(names)
    assert (check.labels, check.counts) == (("C", "A", "B"), (0, 5, 2))
    for index, old in enumerate(names.values()):
        expected = CHECK.similarity(features, CHECK.labels.index(old))
        assert check.similarity(features, index) == expected
    assert OodCheck.from_json(check.to_json(), "file") == check


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["a", "b"]}, "2 labels for 3 counts"),
        ({"threshold": 2.0}, "<= 1"),
        ({"counts": [5, 3, 0]}, "7 centers for 8"),
        ({"counts": [MAX_CENTERS + 1]}, f"<= {MAX_CENTERS}"),
        ({"extra": 1}, "unknown field extra"),
        ({"centers": {"shape": [7, 192], "dtype": "uint8", "values": "AAAA"}}, "reshape"),
        ({"centers": {"shape": [7, 12], "dtype": "uint8", "values": "AAAA"}}, "shape"),
        ({"centers": {"shape": [7], "dtype": "uint8", "values": "AAAA"}}, "shape"),
        ({"centers": {"shape": [7, 192], "dtype": "float32", "values": "AAAA"}}, "float32"),
        ({"centers": {"shape": [10**9, 9], "dtype": "uint8", "values": "AAAA"}}, "shape"),
    ],
)
def test_a_damaged_check_is_refused_in_one_line(change: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=rf"^file: damaged out-of-distribution.*{message}"):
        OodCheck.from_json(CHECK.to_json() | change, "file")
