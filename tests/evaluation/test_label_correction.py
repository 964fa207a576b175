"""Whether a correction helped: runs before and after it, on images that it left alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ankleboot.cli.main import run as command
from ankleboot.core.errors import ModelError, UsageError
from ankleboot.data.label_file import HEADER
from ankleboot.data.load import load_data, load_training_data
from ankleboot.evaluation.compare import compare
from ankleboot.evaluation.label_correction import LabelCorrection, conclude
from ankleboot.evaluation.model_pairs import ModelPredictions, compare_pairs
from ankleboot.evaluation.seed_groups import compare_recipes, form_groups
from ankleboot.models.run import Run
from helpers.images import TINY, bars

RECIPE = replace(TINY, split="stratified", epochs=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bars as image files, some in the folder of another class."""
    folder = tmp_path_factory.mktemp("data") / "bars"
    drawn = bars(200, 0)
    for i, (image, label) in enumerate(zip(drawn.images, drawn.labels, strict=True)):
        in_folder = (label + 1) % 10 if i % 9 == 0 else label
        path = folder / f"class{in_folder}" / f"{i}-{label}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


@pytest.fixture(scope="module")
def labels(folder: Path) -> Path:
    """Corrections of all of them but one, which is not usable."""
    names = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.png"))
    moved = [name for name in names if name[5] != name[-5]]
    lines = [f"{moved[0]},,x,\n", *(f"{name},class{name[-5]},x,\n" for name in moved[1:])]
    path = folder.parent / "labels.csv"
    path.write_text(HEADER.decode() + "".join(lines))
    return path


@pytest.fixture(scope="module")
def runs(
    folder: Path, labels: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Run]]:
    from ankleboot.training.train import train

    runs = tmp_path_factory.mktemp("runs")
    before = train(RECIPE, load_data(str(folder)), runs / "before")
    after = train(RECIPE, load_data(str(folder), labels=labels), runs / "after")
    yield [before, after]


def test_a_run_keeps_the_label_file_that_it_learned(
    runs: list[Run], folder: Path, labels: Path
) -> None:
    before, after = runs
    assert after.label_path.read_bytes() == labels.read_bytes()
    entry = after.manifest()["label_file"]
    assert (entry["num_changed"], entry["num_unusable"], entry["num_confirmed"]) == (22, 1, 0)
    assert len(entry["sha256"]) == 64
    assert "label_file" not in before.manifest() and not before.label_path.exists()
    loaded = load_training_data(after)
    assert loaded.label_changes is not None and len(loaded.label_changes.changed) == 22
    assert load_training_data(before).label_changes is None
    assert loaded.split(RECIPE.split_rule).sha256 == after.manifest()["split"]["sha256"]


def test_both_are_judged_on_validation_images_that_no_label_file_touches(runs: list[Run]) -> None:
    found = compare(runs)
    data = load_training_data(runs[0])
    names = [data.train.names[i] for i in data.split(RECIPE.split_rule).validation]
    untouched = [name for name in names if name[5] == name[-5]]
    assert found.num_examples == len(untouched) < len(names)
    assert found.correction is not None
    assert found.correction.num_left_out == len(names) - len(untouched)
    (sentence,) = found.correction.sentences
    assert found.sentences[0] == sentence
    assert (
        f"on the {len(untouched)} validation images whose labels no label file changes" in sentence
    )
    assert "after learned from corrected labels (22 changed, 1 images left out), " in sentence
    assert found.images is not None and len(found.images) == len(untouched)
    assert compare([runs[1], runs[0]]).num_examples == len(untouched)  # in either order


def test_the_command_says_it(runs: list[Run], capfd: pytest.CaptureFixture[str]) -> None:
    assert command(["compare", str(runs[0].folder), str(runs[1].folder), "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["correction"]["labels"][str(runs[0].folder)] == "the original labels"
    assert document["sentences"][0] == document["correction"]["sentences"][0]
    assert command(["evaluate", str(runs[1].folder), "--json"]) == 0
    captured = capfd.readouterr()
    assert "labels.csv changes 22 labels, leaves out 1 image and" in captured.err


def test_a_grown_label_file_changes_no_run(
    runs: list[Run], folder: Path, labels: Path, tmp_path: Path
) -> None:
    """Labeling goes on after a training; the run is judged by what it learned."""
    from ankleboot.training.train import resume

    grown = tmp_path / "labels.csv"
    grown.write_text(labels.read_text() + "class3/3-3.png,class4,class3,\n")
    loaded = load_training_data(runs[1], labels=grown)
    with pytest.raises(ModelError, match="label_file.*sha256 was"):
        resume(runs[1].folder, loaded)
    assert resume(runs[1].folder).is_complete


def test_where_all_validation_images_are_touched_the_test_split_is_named(
    runs: list[Run], folder: Path, tmp_path: Path
) -> None:
    data = load_training_data(runs[0])
    all_touched = tmp_path / "labels.csv"
    lines = (f"{name},class{(int(name[5]) + 5) % 10},x,\n" for name in data.train.names)
    all_touched.write_text(HEADER.decode() + "".join(lines))
    with pytest.raises(UsageError, match="compare with --split test"):
        compare(runs, load_data(str(folder), labels=all_touched))


@pytest.mark.parametrize(
    ("num_mended", "split", "verdict"),
    [
        (40, "test", "the run with the correction is better on the 400 test images, whose labels"),
        (3, "validation", "it is not shown that the correction helped or did harm"),
        (-40, "test", "the run with the correction is worse"),
    ],
)
def test_the_verdict_is_that_of_the_test(num_mended: int, split: str, verdict: str) -> None:
    labels = np.arange(400) % 2
    worse, better = np.arange(400) < 60, np.arange(400) < 60 - abs(num_mended)
    wrong = {"before": worse, "after": better}
    if num_mended < 0:
        wrong = {"before": better, "after": worse}
    predictions = [
        ModelPredictions(name, np.eye(2)[np.where(mask, 1 - labels, labels)])
        for name, mask in wrong.items()
    ]
    pairs = compare_pairs(predictions, labels, ("a", "b"))
    accuracies = {name: float((~mask).mean()) for name, mask in wrong.items()}
    start = LabelCorrection({"before": "the original labels", "after": "corrected labels"}, 7)
    found = conclude(start, split, 400, accuracies, pairs, (), ())
    assert verdict in found.sentences[0]
    assert ("four of each" in found.sentences[0]) == (abs(num_mended) == 40)


@pytest.mark.parametrize(
    ("change", "num_runs", "verdict"),
    [
        (0.02, 4, "the correction helped"),
        (-0.02, 4, "the correction did harm"),
        (0.02, 3, "it is not shown that the correction helped or did harm"),  # p = 0.1 at best
    ],
)
def test_runs_of_several_seeds_tell_what_the_correction_did(
    change: float, num_runs: int, verdict: str
) -> None:
    accuracies = {f"before{i}": 0.8 + i / 1_000 for i in range(num_runs)}
    accuracies |= {f"after{i}": 0.8 + change + i / 1_000 for i in range(num_runs)}
    members = {name: name.rstrip("0123") for name in accuracies}
    groups = form_groups(members, accuracies)
    labels = {n: "the original labels" if n[0] == "b" else "corrected labels" for n in members}
    pairs = compare_recipes(groups, accuracies)
    found = conclude(LabelCorrection(labels, 0), "test", 400, accuracies, (), groups, pairs)
    assert f": {verdict} on the 400 test images" in found.sentences[0]
    assert "four of each" not in found.sentences[0]
