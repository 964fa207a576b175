"""Comparison of hand-made predictions, of models, and by the command."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ankleboot.cli.main import run
from ankleboot.cli.output.evaluation import NUM_CLASS_ROWS, comparison_result
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.files import write_json
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.compare import Comparison, compare, compare_predictions
from ankleboot.evaluation.model_pairs import ModelPredictions as Model
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.models.files.keras_seal import read_seal, sealed
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from helpers.images import TINY
from helpers.terminal import make_terminal

LABELS = np.arange(1_000) % 10


def probs_of(wrong: np.ndarray, confidence: float = 0.9) -> np.ndarray:
    """Predict the label, and the next class where `wrong` is set."""
    predicted = np.where(wrong, (LABELS + 1) % 10, LABELS)
    probs = np.full((len(LABELS), 10), (1 - confidence) / 9)
    probs[np.arange(len(LABELS)), predicted] = confidence
    return probs


def compared(models: list[Model]) -> Comparison:
    return compare_predictions(models, LABELS, CLASS_NAMES)


def first(number: int) -> np.ndarray:
    return np.arange(len(LABELS)) < number


def test_a_clear_difference_is_called_one() -> None:
    found = compared(
        [
            Model("a", probs_of(first(50))),
            Model("b", probs_of(first(90))),
        ]
    )
    (pair,) = found.pairs
    assert (pair.only_first, pair.only_second) == (40, 0)
    assert pair.difference == pytest.approx(0.04)
    low, high = pair.difference_ci95
    assert 0.02 < low < 0.04 < high < 0.06
    assert pair.p_value == pair.p_adjusted < 1e-9
    assert pair.conclusion.startswith("a is better than b on images like these 1,000: by 4.00")
    assert found.sentences == (pair.conclusion,)


def test_the_better_model_is_named_in_either_order() -> None:
    found = compared(
        [
            Model("a", probs_of(first(90))),
            Model("b", probs_of(first(50))),
        ]
    )
    assert found.pairs[0].difference == pytest.approx(-0.04)
    words = found.pairs[0].conclusion
    assert words.startswith("b is better than a") and "4.00 points (95 % interval 2." in words


def test_a_small_difference_is_left_open() -> None:
    found = compared(
        [
            Model("a", probs_of(first(50))),
            Model("b", probs_of(first(53))),
        ]
    )
    assert found.pairs[0].p_value == pytest.approx(0.25)
    assert "a and b cannot be distinguished on 1,000 images" in found.pairs[0].conclusion


def test_classes_are_compared_too() -> None:
    boots = LABELS == 9
    found = compared([Model("a", probs_of(first(0))), Model("b", probs_of(boots))])
    differences = {one.label: one for one in found.pairs[0].per_class}
    assert differences["Ankle boot"].only_first == 100
    assert differences["Ankle boot"].p_value < 1e-9
    assert all(one.p_value == 1 for name, one in differences.items() if name != "Ankle boot")


def test_disagreements_are_listed_by_confidence() -> None:
    sure, unsure = probs_of(first(3), 0.99), probs_of(first(0), 0.6)
    sure[1] = np.roll(probs_of(first(3), 0.7)[1], 0)
    found = compared([Model("a", sure), Model("b", unsure)])
    pair = found.pairs[0]
    assert pair.num_disagreements == 3
    assert [one.index for one in pair.disagreements] == [0, 1, 2]
    one = pair.disagreements[0]
    assert (one.label, one.first, one.second) == (CLASS_NAMES[0], CLASS_NAMES[1], CLASS_NAMES[0])


def test_p_values_of_several_pairs_are_adjusted() -> None:
    predictions = [Model(str(n), probs_of(first(n))) for n in (50, 58, 50 + 16)]
    found = compared(predictions)
    assert len(found.pairs) == 3
    assert all(pair.p_adjusted >= pair.p_value for pair in found.pairs)
    assert any(pair.p_adjusted > pair.p_value for pair in found.pairs)


def test_runs_of_a_recipe_are_a_group() -> None:
    predictions = [Model(f"a{n}", probs_of(first(n)), "A") for n in (50, 51, 53, 54)]
    predictions += [Model(f"b{n}", probs_of(first(n)), "B") for n in (70, 74, 76, 80)]
    found = compared(predictions)
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
    predictions = [Model(f"a{n}", probs_of(first(50 + n)), "A") for n in range(number)]
    predictions += [Model(f"b{n}", probs_of(first(150 + n)), "B") for n in range(number)]
    (pair,) = compared(predictions).group_pairs
    assert pair.superiority == 1 and pair.conclusion.startswith(
        "Too few runs to distinguish A and B"
    )


def test_a_recipe_and_a_single_model_are_compared_as_models() -> None:
    predictions = [Model(f"a{n}", probs_of(first(n)), "A") for n in (50, 52)]
    found = compared([*predictions, Model("c", probs_of(first(90)))])
    assert found.group_pairs == () and len(found.pairs) == 3 == len(found.sentences)


def test_a_draw_with_disagreements_has_an_interval_around_nothing() -> None:
    last = np.arange(len(LABELS)) >= 960
    found = compared([Model("a", probs_of(first(40))), Model("b", probs_of(last))])
    words = found.pairs[0].conclusion
    assert "0.00 points (95 % interval -" in words and "ahead" not in words


def test_overlapping_groups_are_left_open() -> None:
    predictions = [Model(f"a{n}", probs_of(first(n)), "A") for n in (50, 54, 58, 62)]
    predictions += [Model(f"b{n}", probs_of(first(n)), "B") for n in (52, 56, 60, 64)]
    (pair,) = compared(predictions).group_pairs
    assert 0.5 < pair.superiority < 0.75 and "cannot be distinguished" in pair.conclusion


def unlike_in(classes: dict[int, int], num_classes: int = 10) -> Comparison:
    """Compare a perfect model with one that errs on so many images of some classes."""
    labels = np.repeat(np.arange(num_classes), 20)
    wrong = np.zeros(len(labels), bool)
    for label, number in classes.items():
        wrong[20 * label : 20 * label + number] = True
    names = ("class with a longer name", *(f"class {i}" for i in range(1, num_classes)))
    right = np.eye(num_classes)[labels]
    models = [Model("runs/a", right), Model("runs/b", np.roll(right, 1, axis=1))]
    models[1] = Model("runs/b", np.where(wrong[:, None], models[1].probs, right))
    return compare_predictions(models, labels, names)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_classes_are_a_table_with_the_largest_difference_first(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    stream = make_terminal(monkeypatch, width)
    comparison_result(unlike_in({0: 12, 2: 15, 5: 2}), [])
    lines = stream.lines
    assert max(map(len, lines)) <= width
    start = lines.index("images that only this model gets right, by class (p < 0.05):")
    head, *rows = (line.split() for line in lines[start + 1 :])
    assert head == ["class", "runs/a", "runs/b", "p"]
    assert [row[-3:-1] for row in rows] == [["15", "0"], ["12", "0"]]
    assert " ".join(rows[1][:-3]) == "class with a longer name"


@pytest.mark.usefixtures("no_type_checks")
def test_the_table_of_classes_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    comparison_result(unlike_in(dict.fromkeys(range(12), 18), 20), [])
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("class ") for line in lines) == 1 + NUM_CLASS_ROWS
    assert lines[-1] == "2 more such classes; --json lists them"
    comparison_result(unlike_in({1: 1}), [])
    assert "only this model" not in capsys.readouterr().out


@pytest.mark.usefixtures("no_type_checks")
def test_invalid_comparisons_are_refused() -> None:
    one = Model("a", probs_of(first(1)))
    with pytest.raises(UsageError, match="two or more different"):
        compared([one])
    with pytest.raises(UsageError, match="two or more different"):
        compared([one, one])
    with pytest.raises(DataError, match="10 rows of probabilities for 1000 labels"):
        compared([one, Model("b", probs_of(first(1))[:10])])


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
    assert document["test_reads"] == {"pretrained": 1, str(copy): 2}  # one model, evaluated twice
    assert json.loads((tmp_path / "out/comparison.json").read_text()) == document
    assert run(command) == 0
    assert "cannot be distinguished on 500 images" in " ".join(capfd.readouterr().out.split())
    assert run(["compare", "pretrained"]) == 2
    assert run(["compare", "pretrained", str(copy), "--data", "sample"]) == 2
    assert "trained on fashion-mnist; it has no validation images in sample" in (
        capfd.readouterr().err
    )
    assert run(["compare", "pretrained", "nowhere"]) == 4


def test_seeds_are_grouped_and_other_splits_refused(
    bar_run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The copies predict alike; their recipes decide which of them form a group."""
    folders = []
    recipes = [replace(TINY, seed=0), replace(TINY, seed=1), replace(TINY, epochs=9)]
    recipes.append(replace(TINY, validation_fraction=0.3))
    for number, recipe in enumerate(recipes):
        folder = tmp_path / str(number)
        shutil.copytree(bar_run.folder, folder)
        write_json(folder / "recipe.json", recipe.to_json())
        seal = read_seal(folder / "model.keras")
        assert seal is not None
        seal = replace(seal, validation_fraction=recipe.validation_fraction)
        content = sealed((folder / "model.keras").read_bytes(), seal)
        (folder / "model.keras").write_bytes(content)
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
    assert "have the same recipe and seed 0" in capfd.readouterr().err


def test_python_users_get_what_the_command_prints(calibrated_run: Run, bar_data: Dataset) -> None:
    comparison = compare([calibrated_run, calibrated_run.model_path], bar_data)
    document = comparison.to_json()
    assert document["data"] == "bars" and document["split"] == "validation"
    names = [str(calibrated_run.folder), str(calibrated_run.model_path)]
    count = count_evaluation(calibrated_run, "validation")  # exports of other tests count as well
    assert document["test_reads"] == dict.fromkeys(names, count)
    assert [estimate.model for estimate in comparison.models] == names
    assert repr(comparison).startswith("Comparison(") and "\n" not in repr(comparison)
    with pytest.raises(UsageError, match="two or more models"):
        compare([calibrated_run], bar_data)
