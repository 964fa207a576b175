"""Audit of data with planted label errors; every image is predicted out of fold."""

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data import load as data
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe
from ankleboot.training import data_audit
from helpers.images import TINY


def flipped(part: LabeledImages, number: int) -> tuple[LabeledImages, np.ndarray]:
    chosen = np.random.default_rng(5).choice(len(part), number, replace=False)
    labels = part.labels.copy()
    labels[chosen] = (labels[chosen] + 3) % 10
    return LabeledImages(part.images, labels), chosen


def test_planted_labels_are_found(bar_data: Dataset) -> None:
    train, planted = flipped(bar_data.train, 20)
    lines: list[str] = []
    found = data_audit.audit_data(
        replace(bar_data, train=train), recipe=TINY, folds=2, progress=lines.append
    )
    suspects = {suspect.index: suspect for suspect in found.suspects}
    assert len(set(suspects) & set(planted.tolist())) >= 18
    one = suspects[int(next(i for i in planted if int(i) in suspects))]
    assert one.label != one.suggested == CLASS_NAMES[bar_data.train.labels[one.index]]
    assert found.accuracy_without_suspects > found.out_of_fold_accuracy
    assert found.class_counts["test"] == dict.fromkeys(CLASS_NAMES, 10)
    assert [line for line in lines if line.startswith("fold")][0].endswith("on 320 images")


def test_no_image_is_judged_by_a_model_that_saw_it(
    bar_data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[set[bytes]] = []

    def note(recipe: Recipe, arranged: Dataset, folder: Path) -> Run:
        chosen = arranged.split(recipe.split_rule).train
        learned.append({image.tobytes() for image in arranged.train.images[chosen]})
        return Run(folder)

    class Judge:
        def predict(self, images: np.ndarray) -> np.ndarray:
            assert not learned[-1] & {image.tobytes() for image in images}
            assert len(learned[-1]) + len(images) == 640  # and it learned from all the others
            return np.full((len(images), 10), 0.1, np.float32)

    monkeypatch.setattr("ankleboot.training.trainer.fit", note)
    monkeypatch.setattr("ankleboot.training.data_audit.load_predictor", lambda folder: Judge())
    data_audit.out_of_fold_probs(bar_data, TINY, 3, lambda line: None)
    assert len(learned) == 3


def test_every_image_is_judged_once(bar_data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(held_out: np.ndarray, of: Dataset, recipe: object) -> np.ndarray:
        return np.repeat(held_out[:, None], 10, axis=1).astype(np.float32)

    monkeypatch.setattr(data_audit, "_held_out_probs", fake)
    probs = data_audit.out_of_fold_probs(bar_data, TINY, 7, lambda line: None)
    np.testing.assert_array_equal(probs[:, 3], np.arange(640))


def test_the_command_writes_numbers_and_contact_sheets(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    bar_data: Dataset,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, _ = flipped(bar_data.train, 20)
    images = bar_data.test.images.copy()
    images[0] = train.images[5]
    test = LabeledImages(images, bar_data.test.labels)
    monkeypatch.setattr(
        data, "load_data", lambda *_, **__: replace(bar_data, train=train, test=test)
    )
    audit = functools.partial(data_audit.audit_data, folds=2)
    audits: list[data_audit.DataAudit] = []  # both calls of the command show the same one

    def audit_once(*args: Any, **options: Any) -> data_audit.DataAudit:
        audits.extend([] if audits else [audit(*args, **options | {"recipe": TINY})])
        return audits[0]

    monkeypatch.setattr("ankleboot.training.data_audit.audit_data", audit_once)
    command = ["data", "audit", "--output", str(tmp_path / "a")]
    assert run([*command, "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["folds"] == 2 and len(document["suspects"]) >= 18
    assert document["duplicates"][0]["exact"] == 1
    assert {p.name for p in (tmp_path / "a").iterdir()} == {
        "audit.json", "suspects.png", "duplicates.png"
    }  # fmt: skip
    assert run(command) == 0
    out = capfd.readouterr().out
    assert "doubtful" in out and "test and train: 1 exact" in out
