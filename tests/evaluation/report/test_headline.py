"""First screen and confusion matrix of the report, from predictions made by hand."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ankleboot.evaluation.error_analysis import analyze_errors
from ankleboot.evaluation.evaluate import evaluate_probs
from ankleboot.evaluation.report import confusions
from ankleboot.evaluation.report.headline import build_headline
from ankleboot.evaluation.report.inputs import ReportInputs
from ankleboot.evaluation.report.sprite import Sprite
from ankleboot.models.history import EpochRecord
from ankleboot.recipes.catalog import PLAIN


def inputs(
    matrix: list[list[int]],
    adopted: str = "",
    split: str = "validation",
    test: tuple[int, ...] = (),
) -> Any:
    """Stand for the inputs of a report on images with these confusions."""
    counts = np.array(matrix)
    labels, predicted = (
        np.repeat(each.ravel(), counts.ravel()).astype(np.int64)
        for each in np.indices(counts.shape)
    )
    probs = np.full((len(labels), len(counts)), 0.1 / (len(counts) - 1), np.float32)
    probs[np.arange(len(labels)), predicted] = 0.9
    names = tuple("abcdefghij"[: len(counts)])
    evaluation = evaluate_probs(probs, labels, names, {}, model="m", data="closet/", split=split)
    history = (
        EpochRecord(1, 1.0, 0.5, 1.0, 0.5, 0.1, 1.0),
        EpochRecord(2, 0.2, 0.9, 0.3, 0.9, 0.1, 1.0),
    )
    run = SimpleNamespace(
        recipe=lambda: PLAIN,
        history=lambda: () if adopted else history,
        manifest=lambda: {"data": {"name": "closet/"}},
        metadata=lambda: SimpleNamespace(adopted=adopted),
    )
    images = SimpleNamespace(
        images=np.zeros((len(labels), 28, 28), np.uint8), labels=labels, name=str
    )
    made = object.__new__(ReportInputs)  # a frozen class, filled with what the two files read
    vars(made).update(
        evaluation=evaluation,
        errors=analyze_errors(probs, labels, names),
        run=run,
        data=SimpleNamespace(test=test, class_names=names),
        model=SimpleNamespace(name="my runs/first"),
        images=images,
        probs=probs,
    )
    return made


def test_the_number_has_the_digits_that_the_images_support() -> None:
    few, some = (
        build_headline(inputs([[7, 3], [0, 10]])),
        build_headline(inputs([[499, 1], [0, 500]])),
    )
    assert (few.data, few.accuracy, few.low, few.high) == ("closet", "85", "64", "95")
    assert (some.accuracy, some.high) == ("99.9", ">99.9")
    many = build_headline(inputs([[4999, 1], [0, 5000]]))
    assert many.accuracy == "99.99"


def test_few_images_get_counts_and_no_verdict() -> None:
    """A dozen correct predictions read as a giant 100 %, with praise of the training beside it."""
    few = build_headline(inputs([[14, 0], [0, 15]]))
    assert (few.number, few.verdict) == ("29 of 29", "Too few images to judge: 29.")
    assert few.advice[0][0].startswith("Add images")
    enough = build_headline(inputs([[15, 0], [0, 15]]))
    assert enough.number == "100 %" and enough.verdict.startswith("Still improving")


def test_the_advice_to_use_the_test_images_names_the_run() -> None:
    advice = build_headline(inputs([[40, 0], [0, 40]], test=(1, 2))).advice
    assert advice[-1][1] == "ankleboot evaluate 'my runs/first' --split test"


def test_the_verdict_doubts_a_model_that_may_only_guess() -> None:
    headline = build_headline(inputs([[40, 0], [9, 1]]))
    assert headline.verdict == (
        "Not shown to be better than always predicting a, which is right on 80 %."
    )
    assert build_headline(inputs([[40, 0], [0, 40]])).verdict.startswith("Still improving")
    adopted = build_headline(inputs([[40, 0], [0, 40]], adopted="m.tflite"))
    assert adopted.verdict.startswith("Adopted from m.tflite")


def test_advice_starts_with_what_limits_the_result() -> None:
    advice = build_headline(inputs([[30, 5], [0, 40]])).advice
    assert [sentence.split(":")[0] for sentence, _ in advice] == [
        "Add images",
        "Train longer.",
        "Inspect the images of a and b that it confuses.",
    ]
    assert advice[1][1] == f"ankleboot train plain --set epochs={2 * PLAIN.epochs} --data closet/"


def test_too_few_images_give_the_advice_to_add_images_alone() -> None:
    """A search judged by 24 images finds chance."""
    advice = build_headline(inputs([[9, 1], [2, 12]])).advice
    assert [sentence.split(":")[0] for sentence, _ in advice] == ["Add images"]


def test_a_used_test_split_is_not_recommended_again() -> None:
    made = inputs([[90, 9], [0, 95]], test=(1, 2))
    assert "test" in build_headline(made).advice[-1][1]
    vars(made)["evaluation"] = replace(made.evaluation, num_test_evaluations=1)
    assert not any("--split test" in command for _, command in build_headline(made).advice)


def test_the_command_to_train_longer_is_that_of_this_run() -> None:
    """It left out what had been set, and broke at a space in the name of the data."""
    made = inputs([[30, 5], [0, 40]])
    made.run.recipe = lambda: replace(PLAIN, epochs=3, dropout=0.5)
    made.run.manifest = lambda: {"data": {"name": "my closet/"}}
    (command,) = [command for sentence, command in build_headline(made).advice if command]
    expected = "ankleboot train plain --set dropout=0.5 --set epochs=6 --data 'my closet/'"
    assert command == expected


def test_errors_have_color_and_correct_predictions_none() -> None:
    rows: Any = confusions.matrix_rows(inputs([[90, 10, 0], [1, 99, 0], [0, 0, 300]]))
    assert rows[0][0]["opacity"] == "0.00" and rows[0][2] is None
    assert float(rows[0][1]["opacity"]) == confusions.STRONGEST
    assert 0 < float(rows[1][0]["opacity"]) < confusions.STRONGEST
    assert rows[1][1]["percent"] == "99" and rows[2][2]["percent"] == "100"
    (almost, _) = confusions.matrix_rows(inputs([[999, 1], [0, 10]]))[0]
    assert almost is not None and almost["percent"] == ">99"


def test_errors_are_shown_before_correct_predictions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of 100 classes cannot hold images of all cells."""
    monkeypatch.setattr(confusions, "MAX_IMAGES", {1: 8, 3: 8})
    made = inputs([[50, 2], [5, 60]])
    cells = confusions.cell_images(made, Sprite(made.images.images))
    assert {name: len(images) for name, images in cells.items()} == {
        "1-0": 3,
        "0-1": 2,
        "1-1": 3,
    }
