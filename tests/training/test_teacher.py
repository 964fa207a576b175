"""Distillation: what a teacher may be, and what the student learns of it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.fingerprints import fingerprints
from ankleboot.inference.load import load_predictor
from ankleboot.models.files.calibration import apply_temperature
from ankleboot.models.run import Run
from ankleboot.training.teacher import describe_known, describe_teacher, teacher_probs
from ankleboot.training.trainer import fit
from helpers.images import TINY


@pytest.fixture
def teacher(bar_run: Run, tmp_path: Path) -> str:
    """Folder of a run that a test may write to."""
    return str(shutil.copytree(bar_run.folder, tmp_path / "teacher"))


def test_a_student_learns_the_predictions_of_its_teacher(
    teacher: str, bar_data: Dataset, tmp_path: Path
) -> None:
    recipe = replace(TINY, teacher=teacher, distillation=1.0, epochs=6, seed=4)
    student, alone = (
        fit(r, bar_data, tmp_path / str(r.epochs + bool(r.teacher)))
        for r in (recipe, replace(TINY, epochs=6, seed=4))
    )
    rows = bar_data.split(TINY.split_rule).validation
    images = bar_data.train.images[rows]
    expected = load_predictor(teacher).predict(images)
    distances = [
        float(np.abs(load_predictor(run.folder).predict(images) - expected).mean())
        for run in (student, alone)
    ]
    assert distances[0] < distances[1]
    entry = student.manifest()["teacher"]
    assert entry["model_sha256"] == Run(Path(teacher)).result()["model_sha256"]


def test_predictions_of_both_views_are_averaged_and_softened(
    teacher: str, bar_data: Dataset
) -> None:
    recipe = replace(TINY, teacher=teacher, flip=True)
    entry = describe_teacher(recipe, bar_data)
    rows = np.arange(5, 25)
    probs = teacher_probs(recipe, entry, bar_data, rows)
    predictor, images = load_predictor(teacher), bar_data.train.images[rows]
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    expected = (predictor.predict(images) + predictor.predict(mirrored)) / 2
    np.testing.assert_allclose(probs, expected, atol=1e-6)
    logits = np.log(expected) / 3
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(apply_temperature(expected, 3.0), softmax, atol=1e-5)
    np.testing.assert_allclose(apply_temperature(np.array([[1.0, 0.0]]), 2.0), [[1, 0]], atol=1e-6)


def test_another_teacher_than_at_the_start_is_refused(teacher: str, bar_data: Dataset) -> None:
    recipe = replace(TINY, teacher=teacher)
    entry = describe_teacher(recipe, bar_data) | {"model_sha256": "0" * 64}
    with pytest.raises(ModelError, match="not the teacher that this run started with"):
        teacher_probs(recipe, entry, bar_data, np.arange(3))


def test_what_cannot_teach_is_refused(teacher: str, bar_data: Dataset, tmp_path: Path) -> None:
    cases = {
        "it takes gray 28 x 28 pixels, the recipe gray 32 x 32": replace(
            TINY, teacher=teacher, image_size=32, crop="none"
        ),
        "it learned .* validation images of this split": replace(
            TINY, teacher=teacher, split="stratified"
        ),
    }
    for message, recipe in cases.items():
        with pytest.raises(UsageError, match=message):
            describe_teacher(recipe, bar_data)
    renamed = replace(bar_data, class_names=(*bar_data.class_names[:9], "Slipper"))
    with pytest.raises(UsageError, match="are not those of"):
        describe_teacher(replace(TINY, teacher=teacher), renamed)
    with pytest.raises(ModelError):
        describe_teacher(replace(TINY, teacher=str(tmp_path / "none")), bar_data)
    with pytest.raises(UsageError, match="distillation has no effect .* used with a teacher"):
        replace(TINY, distillation=0.5)


def test_what_a_teacher_of_other_data_has_learned_is_told(teacher: str, bar_data: Dataset) -> None:
    recipe = replace(TINY, teacher=teacher)
    assert describe_known({}) == []
    assert describe_known({"teacher": describe_teacher(recipe, bar_data)}) == []
    other = replace(bar_data, sha256={"train-bars": "3" * 64})
    (sentence,) = describe_known({"teacher": describe_teacher(recipe, other)})
    assert "trained on other data without a list of its images" in sentence
    rows = other.split(recipe.split_rule).validation
    Run(Path(teacher)).write_known_images(fingerprints(other.train.images, rows[:7]))
    entry = describe_teacher(recipe, other)
    assert entry["known_validation_images"] == 7
    (sentence,) = describe_known({"teacher": entry})
    assert "7 validation images are known to it" in sentence
