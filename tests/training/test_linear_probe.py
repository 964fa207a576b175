"""The linear layer on features: folds, groups, and predictions out of fold."""

from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import DataError
from ankleboot.training import linear_probe
from ankleboot.training.linear_probe import LinearProbe, out_of_fold_probs


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path))


def clusters(num: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = np.arange(num) % classes
    centers = 4 * generator.normal(size=(classes, 12))
    return (centers[labels] + generator.normal(size=(num, 12))).astype(np.float32), labels


def test_no_image_is_predicted_by_a_layer_that_saw_it(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clusters(60, 3)
    learned: list[set[bytes]] = []

    class Fake:
        def __init__(self, features: np.ndarray, *_: object) -> None:
            learned.append({row.tobytes() for row in features})

        def predict(self, features: np.ndarray) -> np.ndarray:
            assert not learned[-1] & {row.tobytes() for row in features}
            return np.full((len(features), 3), 1 / 3, np.float32)

    monkeypatch.setattr(linear_probe, "LinearProbe", Fake)
    out_of_fold_probs(features, labels, None, 3, 5)
    assert len(learned) == 5 * (1 + len(linear_probe.PENALTIES))


def test_separate_clusters_are_told_apart_and_the_result_is_cached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    features, labels = clusters(90, 3)
    wrong = labels.copy()
    wrong[:5] = (wrong[:5] + 1) % 3
    probs = out_of_fold_probs(features, wrong, None, 3, 5)
    assert (probs.argmax(axis=1) == labels).all()
    np.testing.assert_allclose(probs.sum(axis=1), 1, atol=1e-5)
    monkeypatch.setattr(linear_probe, "LinearProbe", None)  # a second call fits nothing
    np.testing.assert_array_equal(out_of_fold_probs(features, wrong, None, 3, 5), probs)
    monkeypatch.undo()
    (path,) = tmp_path.rglob("folds-*.npy")
    np.save(path, np.full_like(probs, np.nan))  # the shape and type are right
    np.testing.assert_array_equal(out_of_fold_probs(features, wrong, None, 3, 5), probs)


def test_a_class_without_images_has_the_probability_zero() -> None:
    features, labels = clusters(40, 2)
    probs = LinearProbe(features, np.where(labels == 1, 2, 0), 3, 0.1).predict(features)
    assert (probs[:, 1] == 0).all() and (probs.argmax(axis=1) == 2 * labels).all()


def test_one_class_alone_is_an_error() -> None:
    features, _ = clusters(20, 2)
    with pytest.raises(DataError, match="all of one class"):
        out_of_fold_probs(features, np.zeros(20, int), None, 2, 5)
