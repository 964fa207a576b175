"""Comparing models: hand-made answers, words that follow from numbers, the command."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.files import write_json
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.evaluation.compare import ModelPredictions, compare
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from helpers.images import TINY

LABELS = np.arange(1_000) % 10


def saying(wrong: np.ndarray, confidence: float = 0.9) -> np.ndarray:
    """Right answers but for some images, where the next class is said."""
    said = np.where(wrong, (LABELS + 1) % 10, LABELS)
    probs = np.full((len(LABELS), 10), (1 - confidence) / 9)
    probs[np.arange(len(LABELS)), said] = confidence
    return probs


def first(number: int) -> np.ndarray:
    return np.arange(len(LABELS)) < number


def test_a_clear_difference_is_called_one() -> None:
    found = compare(
        [ModelPredictions("a", saying(first(50))), ModelPredictions("b", saying(first(90)))],
        LABELS,
        CLASS_NAMES,
    )
    (pair,) = found.pairs
    assert (pair.only_first, pair.only_second) == (40, 0)
    assert pair.difference == pytest.approx(0.04)
    low, high = pair.difference_ci95
    assert 0.02 < low < 0.04 < high < 0.06
    assert pair.p_value == pair.p_adjusted < 1e-9
    assert pair.conclusion.startswith("a is better than b on images like these 1,000: by 4.00")
    assert found.sentences == (pair.conclusion,)


def test_the_better_one_is_named_whatever_the_order() -> None:
    found = compare(
        [ModelPredictions("a", saying(first(90))), ModelPredictions("b", saying(first(50)))],
        LABELS,
        CLASS_NAMES,
    )
    assert found.pairs[0].difference == pytest.approx(-0.04)
    words = found.pairs[0].conclusion
    assert words.startswith("b is better than a") and "4.00 points (95 % interval 2." in words


def test_a_small_difference_is_left_open() -> None:
    found = compare(
        [ModelPredictions("a", saying(first(50))), ModelPredictions("b", saying(first(53)))],
        LABELS,
        CLASS_NAMES,
    )
    assert found.pairs[0].p_value == pytest.approx(0.25)
    assert "a and b cannot be told apart on 1,000 images" in found.pairs[0].conclusion


def test_classes_are_compared_too() -> None:
    boots = LABELS == 9
    found = compare(
        [ModelPredictions("a", saying(first(0))), ModelPredictions("b", saying(boots))],
        LABELS,
        CLASS_NAMES,
    )
    differences = {one.label: one for one in found.pairs[0].per_class}
    assert differences["Ankle boot"].only_first == 100
    assert differences["Ankle boot"].p_value < 1e-9
    assert all(one.p_value == 1 for name, one in differences.items() if name != "Ankle boot")


def test_disagreements_are_listed_the_surest_first() -> None:
    sure, unsure = saying(first(3), 0.99), saying(first(0), 0.6)
    sure[1] = np.roll(saying(first(3), 0.7)[1], 0)
    found = compare(
        [ModelPredictions("a", sure), ModelPredictions("b", unsure)], LABELS, CLASS_NAMES
    )
    pair = found.pairs[0]
    assert pair.num_disagreements == 3
    assert [one.index for one in pair.disagreements] == [0, 1, 2]
    one = pair.disagreements[0]
    assert (one.label, one.first, one.second) == (CLASS_NAMES[0], CLASS_NAMES[1], CLASS_NAMES[0])


def test_several_pairs_pay_for_being_several() -> None:
    answers = [ModelPredictions(str(n), saying(first(n))) for n in (50, 58, 50 + 16)]
    found = compare(answers, LABELS, CLASS_NAMES)
    assert len(found.pairs) == 3
    assert all(pair.p_adjusted >= pair.p_value for pair in found.pairs)
    assert any(pair.p_adjusted > pair.p_value for pair in found.pairs)


def test_runs_of_a_recipe_are_a_group() -> None:
    answers = [ModelPredictions(f"a{n}", saying(first(n)), "A") for n in (50, 51, 53, 54)]
    answers += [ModelPredictions(f"b{n}", saying(first(n)), "B") for n in (70, 74, 76, 80)]
    found = compare(answers, LABELS, CLASS_NAMES)
    assert found.pairs == ()
    assert [group.name for group in found.groups] == ["A", "B"]
    assert found.groups[0].mean == pytest.approx(0.948)
    assert found.groups[0].std == pytest.approx(np.std([50, 51, 53, 54], ddof=1) / 1000)
    (pair,) = found.group_pairs
    assert pair.superiority == 1 and "Recipe A is the better one" in pair.conclusion
    assert pair.p_adjusted == pytest.approx(2 / 70)


@pytest.mark.parametrize("number", [2, 3])
def test_two_or_three_runs_prove_nothing(number: int) -> None:
    """Complete separation of 3 and 3 equal runs happens once in ten times."""
    answers = [ModelPredictions(f"a{n}", saying(first(50 + n)), "A") for n in range(number)]
    answers += [ModelPredictions(f"b{n}", saying(first(150 + n)), "B") for n in range(number)]
    (pair,) = compare(answers, LABELS, CLASS_NAMES).group_pairs
    assert pair.superiority == 1 and pair.conclusion.startswith("Too few runs to tell A and B")


def test_a_recipe_and_a_single_model_are_compared_as_models() -> None:
    answers = [ModelPredictions(f"a{n}", saying(first(n)), "A") for n in (50, 52)]
    found = compare([*answers, ModelPredictions("c", saying(first(90)))], LABELS, CLASS_NAMES)
    assert found.group_pairs == () and len(found.pairs) == 3 == len(found.sentences)


def test_a_draw_with_disagreements_has_an_interval_around_nothing() -> None:
    last = np.arange(len(LABELS)) >= 960
    found = compare(
        [ModelPredictions("a", saying(first(40))), ModelPredictions("b", saying(last))],
        LABELS,
        CLASS_NAMES,
    )
    words = found.pairs[0].conclusion
    assert "0.00 points (95 % interval -" in words and "ahead" not in words


def test_overlapping_groups_are_left_open() -> None:
    answers = [ModelPredictions(f"a{n}", saying(first(n)), "A") for n in (50, 54, 58, 62)]
    answers += [ModelPredictions(f"b{n}", saying(first(n)), "B") for n in (52, 56, 60, 64)]
    (pair,) = compare(answers, LABELS, CLASS_NAMES).group_pairs
    assert 0.5 < pair.superiority < 0.75 and "cannot be told apart" in pair.conclusion


@pytest.mark.usefixtures("no_type_checks")
def test_what_cannot_be_compared_is_refused() -> None:
    one = ModelPredictions("a", saying(first(1)))
    with pytest.raises(UsageError, match="two or more different"):
        compare([one], LABELS, CLASS_NAMES)
    with pytest.raises(UsageError, match="two or more different"):
        compare([one, one], LABELS, CLASS_NAMES)
    with pytest.raises(DataError, match="10 rows of probabilities for 1000 labels"):
        compare([one, ModelPredictions("b", saying(first(1))[:10])], LABELS, CLASS_NAMES)


@pytest.mark.usefixtures("isolated_state_dir")
def test_the_command_obeys_its_contract(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tflite = catalog.FOLDER / catalog.MODEL_FILE
    copy = tmp_path / "copy.tflite"
    copy.write_bytes(tflite.read_bytes())
    command = ["compare", "pretrained", str(copy), "--data", "sample", "--split", "test"]
    assert run([*command, "--json", "--output", str(tmp_path / "out")]) == 0
    out, err = capfd.readouterr()
    document = json.loads(out)
    assert err == "" and document["split"] == "test" and document["data"] == "sample"
    assert [score["model"] for score in document["models"]] == ["pretrained", str(copy)]
    assert document["pairs"][0]["difference"] == 0 and document["pairs"][0]["p_value"] == 1
    assert document["test_reads"] == {"pretrained": 1, str(copy): 2}  # one model, two looks
    assert json.loads((tmp_path / "out/comparison.json").read_text()) == document
    assert run(command) == 0
    assert "cannot be told apart on 500 images" in " ".join(capfd.readouterr().out.split())
    assert run(["compare", "pretrained"]) == 2
    assert run(["compare", "pretrained", str(copy), "--data", "sample"]) == 2
    assert "trained on fashion-mnist; it has no validation images in sample" in (
        capfd.readouterr().err
    )
    assert run(["compare", "pretrained", "nowhere"]) == 4


def test_seeds_are_grouped_and_other_splits_refused(
    bar_run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The copies answer alike; what counts is which of them belong together."""
    folders = []
    recipes = [replace(TINY, seed=0), replace(TINY, seed=1), replace(TINY, epochs=9)]
    recipes.append(replace(TINY, validation_fraction=0.3))
    for number, recipe in enumerate(recipes):
        folder = tmp_path / str(number)
        shutil.copytree(bar_run.folder, folder)
        write_json(folder / "recipe.json", recipe.to_json())
        folders.append(str(folder))
    test = ["--data", "sample", "--split", "test", "--json"]
    assert run(["compare", *folders[:3], *test]) == 0
    document = json.loads(capfd.readouterr().out)
    assert [len(group["models"]) for group in document["groups"]] == [2, 1]
    assert "epochs=9" in document["groups"][1]["name"] and document["sentences"]
    assert run(["compare", folders[0], folders[3], "--data", "sample"]) == 2
    assert "different validation images" in capfd.readouterr().err
    shutil.copytree(folders[0], tmp_path / "again")
    assert run(["compare", folders[0], str(tmp_path / "again"), *test]) == 2
    assert "are of one recipe and seed 0" in capfd.readouterr().err


def test_answers_are_kept_and_never_stale(
    calibrated_run: Run, bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ankleboot.evaluation.prediction_cache import cached_predictions
    from ankleboot.models.files.metadata import ModelMetadata
    from helpers.predictors import FakePredictor

    folder = tmp_path / "run"
    shutil.copytree(calibrated_run.folder, folder)
    kept, other = (np.full((100, 10), value, np.float32) for value in (0.1, 0.2))

    def ask(probs: np.ndarray, part: LabeledImages = bar_data.test, **info: Any) -> np.ndarray:
        predictor = FakePredictor(probs, ModelMetadata(**info))
        return cached_predictions(folder, predictor, part, "test")

    assert ask(kept)[0, 0] == np.float32(0.1)
    assert ask(other)[0, 0] == np.float32(0.1)  # from the file
    assert ask(other, temperature=2.0)[0, 0] == np.float32(0.2)
    assert ask(kept, model_sha256="another")[0, 0] == np.float32(0.1)
    images = bar_data.test.images.copy()
    images[3, 3, 3] ^= 1
    changed = LabeledImages(images, bar_data.test.labels)
    assert ask(other, changed, model_sha256="another")[0, 0] == np.float32(0.2)
    (folder / "answers-test.npz").write_bytes(b"damaged")
    assert ask(kept)[0, 0] == np.float32(0.1)
