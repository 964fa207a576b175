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
from helpers.images import TINY, bars, write_image_folder
from helpers.labeling import SPEC, color_features, load_planted, planted_folder


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
    folded = replace(TINY, folds=4, fold=2, split_seed=3)  # its split has no effect here
    data_audit.out_of_fold_probs(bar_data, folded, 3, lambda line: None)
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


@pytest.fixture
def colors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean color in place of the backbone, and a cache of the test's own."""
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(data_audit, "backbone_features", color_features)


@pytest.mark.usefixtures("colors")
def test_own_images_are_judged_by_a_linear_layer_and_named_by_their_files(tmp_path: Path) -> None:
    classes = {"cat": 20, "dog": 20, "owl": 20}
    folder, right = planted_folder(tmp_path / "pets", classes, moved=6)
    found = data_audit.audit_data(load_planted(folder))
    assert (found.method, found.recipe) == ("linear layer", "transfer")
    assert {s.file: s.suggested for s in found.suspects} == right
    assert found.out_of_fold_accuracy == pytest.approx(54 / 60)
    assert found.accuracy_without_suspects == 1 and not found.near_chance
    train = load_planted(folder).train
    assert all(train.names[s.index] == s.file for s in found.suspects)


@pytest.mark.usefixtures("colors")
def test_near_chance_nothing_is_listed_and_the_reason_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Pictures without a relation to their class: all doubts would be the judge's own errors."""
    folder = write_image_folder(tmp_path / "noise", {"a": 40})
    for name in ("b", "c", "d"):
        (folder / name).mkdir()
    for number, path in enumerate(sorted((folder / "a").iterdir())):
        path.rename(folder / "abcd"[number % 4] / path.name)
    command = ["data", "audit", "--data", str(folder), "--output", str(tmp_path / "audit")]
    assert run(command) == 0
    out = " ".join(capfd.readouterr().out.split())
    assert "labels: none can be judged" in out and "near chance" in out
    document = json.loads((tmp_path / "audit/audit.json").read_text())
    assert document["near_chance"] and document["suspects"] == []
    assert not (tmp_path / "audit/suspects.png").exists()


@pytest.mark.usefixtures("colors")
def test_the_command_lists_file_paths(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder, right = planted_folder(tmp_path / "pets", {"cat": 20, "dog": 20}, moved=2)
    (folder / "cat/copy.png").write_bytes((folder / "cat/7.png").read_bytes())
    command = ["data", "audit", "--data", str(folder), "--output", str(tmp_path / "audit")]
    assert run(command) == 0
    out = capfd.readouterr().out
    assert all(name in out for name in right)
    assert "cat/copy.png" in out and "cat/7.png" in out
    document = json.loads((tmp_path / "audit/audit.json").read_text())
    assert {suspect["file"] for suspect in document["suspects"]} == set(right)
    (pair,) = document["duplicates"][1]["files"]
    assert set(pair) == {"cat/copy.png", "cat/7.png"}


@pytest.mark.usefixtures("colors")
def test_images_that_are_not_usable_are_not_judged(tmp_path: Path) -> None:
    folder, right = planted_folder(tmp_path / "pets", {"cat": 20, "dog": 20}, moved=2)
    labels = tmp_path / "labels.csv"
    first, second = right
    labels.write_text(f"path,label\n{first},\n{second},{right[second]}\n")
    data_set = data.load_data(str(folder), image_spec=SPEC, labels=labels)
    found = data_audit.audit_data(data_set)
    assert found.suspects == () and found.num_unusable == 1
    assert found.out_of_fold_accuracy == 1


def test_fashion_mnist_is_judged_as_before(bar_data: Dataset) -> None:
    assert data_audit.audit_recipe(bar_data).name == "sprint"
    named = replace(bar_data, train=replace(bars(40, 0), names=tuple(map(str, range(40)))))
    recipe = data_audit.audit_recipe(named)
    assert (recipe.name, recipe.image_size, recipe.color) == ("transfer", 28, False)
