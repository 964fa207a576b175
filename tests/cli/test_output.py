"""What people read of results: on terminals of 60, 80 and 120 columns, and in a pipe."""

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

from ankleboot.cli.evaluate import _next_command
from ankleboot.cli.output.evaluation import evaluation_result
from ankleboot.cli.output.prediction import export_result, list_failures, prediction_printer
from ankleboot.cli.output.training import TrainingProgress, recipe_list, training_result
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.text import escape_unprintable, percent_text
from ankleboot.data.preprocessing.segmentation import Box
from ankleboot.data.splits import Split
from ankleboot.evaluation.evaluate import Evaluation, evaluate_probs
from ankleboot.export.export import ExportResult
from ankleboot.export.parity import Latency, ParityResult
from ankleboot.inference.decide import GarmentPrediction, Prediction
from ankleboot.inference.predict import FailedImage
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import PURPOSES, TRANSFER
from ankleboot.recipes.measured_results import load_results
from helpers.terminal import make_terminal

WIDTHS = (60, 80, 120)
LONG_NAMES = (*CLASS_NAMES[:9], "a class of forty characters, or so, hmmm")


@functools.cache
def evaluation_of(names: tuple[str, ...] = CLASS_NAMES) -> Evaluation:
    num = 2_000
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, num)
    probs = np.full((num, 10), 0.05, np.float32)
    predicted = np.where(generator.random(num) < 0.9, labels, (labels + 1) % 10)
    probs[np.arange(num), predicted] = 0.55
    return evaluate_probs(
        probs, labels, names, {}, 3, model="runs/x", data="sample of all", split="test"
    )


def print_evaluation(evaluation: Evaluation, *, verbose: bool, is_calibrated: bool = True) -> None:
    evaluation_result(
        evaluation,
        [Path("runs/x/evaluation-test.json")],
        is_calibrated=is_calibrated,
        following="ankleboot report runs/x",
        verbose=verbose,
    )


def predicted(path: str, probs: dict[str, float], **fields: Any) -> Prediction:
    label = max(probs, key=probs.__getitem__)
    values: dict[str, Any] = {"none_of_these": 0.0, "abstained": False, "reason": None}
    values |= {"cause": None} | fields
    return Prediction(path, label, 0, probs[label], probs, **values)


RESULTS = (
    predicted("photos/one.jpg", {"Shirt": 0.996, "Coat": 0.004}),
    predicted("photos/two.jpg", {"Shirt": 0.9, "Coat": 0.1}),
    FailedImage("photos/three.txt", "not an image of a known format"),
    predicted(
        "photos/four.jpg",
        {"T-shirt/top": 0.12, "Coat": 0.05},
        abstained=True,
        cause="declined",
        reason="not one of the ten kinds of garment (most like hat)",
    ),
    predicted(
        f"photos/{'five' * 30}.jpg",
        {"Shirt": 0.5, "Coat": 0.45},
        abstained=True,
        cause="unsure",
        reason="unsure between Shirt and Coat",
    ),
)


@contextmanager
def printed() -> Iterator[None]:
    with prediction_printer(ModelMetadata(), as_json=False, as_csv=False) as show:
        for result in RESULTS:
            show(result)
    list_failures([result for result in RESULTS if isinstance(result, FailedImage)])
    yield


def test_no_probability_is_shown_as_certain() -> None:
    shown = [percent_text(p) for p in (0.0, 0.004, 0.0051, 0.12, 0.994, 0.9951, 0.996, 1.0)]
    assert shown == ["<1 %", "<1 %", "1 %", "12 %", "99 %", ">99 %", ">99 %", ">99 %"]


def test_in_a_pipe_a_prediction_is_a_line_that_ends_with_the_path(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with printed():
        out, err = capsys.readouterr()
    assert out.splitlines() == [
        "Shirt  >99 %  photos/one.jpg",
        "Shirt  90 %, or Coat 10 %  photos/two.jpg",
        "no prediction  not one of the ten kinds of garment (most like hat)  photos/four.jpg",
        f"Shirt?  50 %, unsure between Shirt and Coat  photos/{'five' * 30}.jpg",
    ]
    assert err == "could not be read:\n  photos/three.txt: not an image of a known format\n"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_table_of_predictions_fits_and_keeps_names_and_reasons(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    stream = make_terminal(monkeypatch, width)
    with printed():
        lines = stream.lines
    assert max(map(len, lines)) <= width
    text = "".join("".join(line.split()) for line in lines)
    assert "T-shirt/top" not in text and "three.txt" not in text
    assert any(line.startswith("no prediction ") for line in lines)
    assert sum(line.count("five") for line in lines) >= 20  # a line break may part some


@pytest.mark.parametrize(
    ("paths", "header", "names"),
    [
        (["a/b/x.png", "a/b/y.png"], "image in a/b/", ["x.png", "y.png"]),
        (["a/b/x.png", "a/bb/x.png"], "image in a/", ["b/x.png", "bb/x.png"]),
        (["/a/x.png", "/b/x.png"], "image in /", ["a/x.png", "b/x.png"]),
        (["x1.png", "x2.png"], "image", ["x1.png", "x2.png"]),
        (["/a/x.png", "a/x.png"], "image", ["/a/x.png", "a/x.png"]),
        (["a/x.png"], "image", ["a/x.png"]),
    ],
)
def test_the_header_of_a_table_names_the_folder_of_all_images(
    monkeypatch: pytest.MonkeyPatch, paths: list[str], header: str, names: list[str]
) -> None:
    stream = make_terminal(monkeypatch, 80)
    with prediction_printer(ModelMetadata(), as_json=False, as_csv=False) as show:
        for path in paths:
            show(predicted(path, {"Shirt": 0.996, "Coat": 0.004}))
    columns = [line.split("  ")[-1].strip() for line in stream.lines if line.strip()]
    assert columns == [header, *names]


DECLINED = "not one of the ten kinds of garment (most like hat)"


@pytest.mark.parametrize(
    ("label", "width", "reason", "is_whole"),
    [
        ("Shirt", 80, None, True),
        ("Shirt", 80, "not sure of Shirt", True),
        ("Shirt", 80, DECLINED, False),
        ("Shirt", 120, DECLINED, True),
        ("Shirt", 60, None, False),
        ("0", 80, None, True),
    ],
)
@pytest.mark.parametrize("name", [f"{'n' * 36}.jpg", f"{'衣' * 18}.jpg", f"\x1b{'n' * 32}.jpg"])
def test_a_long_name_is_whole_where_the_reasons_have_room(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    label: str,
    width: int,
    reason: str | None,
    is_whole: bool,
) -> None:
    stream = make_terminal(monkeypatch, width)
    cause = {None: None, DECLINED: "declined"}.get(reason, "unsure")
    with prediction_printer(ModelMetadata(), as_json=False, as_csv=False) as show:
        show(predicted(f"a/{name}", {label: 0.996, "Coat": 0.004}))
        probs = {"T-shirt/top" if label == "Shirt" else label: 0.9, "Coat": 0.1}
        show(predicted("a/b.jpg", probs, abstained=reason is not None, reason=reason, cause=cause))
    assert max(map(cell_len, stream.lines)) <= width
    assert any(line.endswith(escape_unprintable(name)) for line in stream.lines) == is_whole


SEVERAL = predicted(
    "photos/six.jpg",
    {"Shirt": 0.55, "Coat": 0.45},
    abstained=True,
    cause="several",
    reason="more than one garment on the photo",
    garments=(
        GarmentPrediction(Box(0.05, 0.3, 0.3, 0.4), "Shirt", 0.99, False, None, None),
        GarmentPrediction(Box(0.4, 0.7, 0.2, 0.2), "Coat", 0.5, True, "not sure of Coat", "unsure"),
        GarmentPrediction(
            Box(0.7, 0.1, 0.3, 0.2),
            "Coat",
            0.3,
            True,
            "not one of the ten kinds of garment (most like hat)",
            "declined",
        ),
    ),
)


def test_several_garments_are_in_the_line_of_their_photo_in_a_pipe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with prediction_printer(ModelMetadata(), as_json=False, as_csv=False) as show:
        show(SEVERAL)
    assert capsys.readouterr().out == (
        "Shirt?  55 %, more than one garment on the photo: Shirt 99 %, Coat? 50 %, "
        "not one of the ten kinds of garment (most like hat)  photos/six.jpg\n"
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_several_garments_have_indented_lines_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    stream = make_terminal(monkeypatch, width)
    with prediction_printer(ModelMetadata(), as_json=False, as_csv=False) as show:
        show(SEVERAL)
    lines = stream.lines
    assert max(map(len, lines)) <= width
    starts = ("  Shirt ", "  Coat? ", "  no prediction ")
    places = ("at the left", "at the bottom", "at the top right")
    for start, place in zip(starts, places, strict=True):
        [line] = [line for line in lines if line.startswith(start)]
        assert place in line or width == 60
    assert any(line.startswith("Shirt? ") for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_recipes_fit_a_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    stream = make_terminal(monkeypatch, width)
    recipe_list(load_results())
    lines = stream.lines
    assert max(map(len, lines)) <= width
    for name, purpose in PURPOSES.items():
        assert any(re.match(rf"{name} .*{re.escape(purpose)}", line) for line in lines)


def test_colors_are_for_terminals_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("FORCE_COLOR", "1")
        with printed():
            assert "\x1b" not in "".join(capsys.readouterr())
    stream = make_terminal(monkeypatch, 80)
    with printed():
        assert "\x1b[33m" in stream.getvalue()
    stream = make_terminal(monkeypatch, 80)
    monkeypatch.setenv("NO_COLOR", "1")
    with printed():
        assert "\x1b[33m" not in stream.getvalue()


def test_an_evaluation_is_three_lines_and_the_next_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_evaluation(evaluation_of(), verbose=False)
    first, second, third, fourth, fifth, sixth = capsys.readouterr().out.splitlines()
    assert " % of 2,000 test images of sample of all correct (95 % interval " in first
    assert re.fullmatch(r"most errors: (\d+ x [\w /-]+ as [\w /-]+(, )?){3}", second)
    assert re.match(r"loss \d\.\d{4} after calibration, ECE 0\.", third)
    assert fourth == "evaluations of this model on the test split: 3"
    assert fifth == "next: ankleboot report runs/x"
    assert sixth == "(-v shows classes, confusion matrix and files)"


def test_the_loss_of_a_model_without_calibration_is_named_as_such(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_evaluation(evaluation_of(), verbose=False, is_calibrated=False)
    assert " without calibration, ECE" in capsys.readouterr().out


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("names", [CLASS_NAMES, LONG_NAMES], ids=["short", "long"])
def test_rows_of_the_confusion_matrix_have_whole_names_and_all_counts(
    monkeypatch: pytest.MonkeyPatch, width: int, names: tuple[str, ...]
) -> None:
    few = evaluation_of(names)
    counts = tuple(tuple(10 * count for count in row) for row in few.confusion_matrix)
    evaluation = replace(few, confusion_matrix=counts)  # four digits, as of 20,000 images
    stream = make_terminal(monkeypatch, width)
    print_evaluation(evaluation, verbose=True)
    lines = stream.lines
    assert max(map(len, lines)) <= width
    for number, (name, row) in enumerate(zip(names, evaluation.confusion_matrix, strict=True)):
        is_whole = len(name) <= max(24, width - 30)
        start = f"{number} {name}" if is_whole else f"{number} {name[:8]}"
        parts = [line for line in lines if line.startswith(start)]
        cells = [cell for part in parts for cell in re.findall(r"(?<= )(\d+|\.)(?= |$)", part)]
        assert [int(cell.replace(".", "0")) for cell in cells][-10:] == list(row)


def test_in_a_pipe_a_matrix_is_one_table_and_no_line_ends_in_blanks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_evaluation(evaluation_of(LONG_NAMES), verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith(f"9 {LONG_NAMES[9]}") for line in lines) == 1
    assert [line for line in lines if line != line.rstrip()] == []
    assert "runs/x/evaluation-test.json" in lines


TRAINED: dict[str, Any] = {
    "run_dir": "runs/with blank",
    "recipe": "plain",
    "seed": 0,
    "data": "sample",
    "parameters": 12_345,
    "epochs": 2,
    "train_seconds": 3.21,
    "best_epoch": 2,
    "model_epoch": 2,
    "train": {"accuracy": 0.7069, "loss": 0.9},
    "validation": {"accuracy": 0.7, "loss": 0.8},
    "arithmetic": "float32 on tensorflow",
    "verdict": {"sentences": ["Still improving.", "The loss.", "The gap.", "Few images."]},
    "calibration": {
        "temperature": 0.9,
        "abstain_below": 0.6,
        "precision_wanted": 0.95,
        "precision": 0.95,
        "coverage": 0.8,
        "num_examples": 400,
        "loss": (0.81, 0.79),
        "ece": (0.09, 0.05),
    },
}


def test_a_training_is_three_lines_and_the_next_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    training_result(TRAINED)
    assert capsys.readouterr().out.splitlines() == [
        "70.00 % of 400 validation images of sample correct (training: 70.69 %)",
        "loss 0.8100 before calibration, 0.7900 after; 2 epochs in 3.2 s, 12,345 parameters",
        "Still improving.",
        "Few images.",
        "next: ankleboot evaluate 'runs/with blank'",
        "(-v shows layers, losses by epoch and files)",
    ]
    training_result(TRAINED, verbose=True)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.endswith("(training: 70.69 %)")
    assert "ECE  0.090 before calibration, 0.050 after" in lines
    assert "The gap." in lines and "runs/with blank/model.keras" in lines
    assert lines[-1] == "next: ankleboot evaluate 'runs/with blank'"
    training_result(TRAINED | {"epochs": 13, "model_epoch": 13, "best_epoch": 10})
    assert "; 13 epochs (kept: 13; best: 10) in 3.2 s" in capsys.readouterr().out
    training_result(TRAINED | {"arithmetic": "bfloat16 on tensorflow"})
    first = capsys.readouterr().out.splitlines()[0]
    assert first.endswith("(training: 70.69 %; computed in bfloat16)")


def test_an_export_is_three_lines_and_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    parity = ParityResult(2e-6, 0.998, 500, accuracy_change=-0.002)
    result = ExportResult(
        Path("exports/m.tflite"), "litert-int8", 1_234, parity, Latency(0.04, 0.2), 99, 1, "int8"
    )
    export_result(result, following="ankleboot predict --model exports/m.tflite IMAGE")
    assert capsys.readouterr().out.splitlines() == [
        "exports/m.tflite",
        "litert-int8 (int8): 1,234 bytes, 0.040 ms for an image",
        "same label as the original on 499 of 500 test images, probabilities within 2e-06; "
        "accuracy -0.20 points",
        "next: ankleboot predict --model exports/m.tflite IMAGE",
        "(-v shows latency and parameters)",
    ]
    export_result(result, following="x", verbose=True)
    text = capsys.readouterr().out
    assert "0.200 ms (p99)" in text


def test_the_end_of_the_frozen_epochs_is_named(
    bar_run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(TRANSFER, head_epochs=1, epochs=3)
    monkeypatch.setattr(Run, "recipe", lambda _: recipe)
    progress, none = TrainingProgress(), np.zeros(0, np.int64)
    progress.on_start(bar_run, [], Split(none, none, ""))
    for record in bar_run.history()[:2]:
        progress.on_epoch_end(record, True)
    lines = capsys.readouterr().err.splitlines()
    assert ["all layers learn" in line for line in lines] == [False, False, True, False]


@pytest.mark.parametrize(
    ("split", "is_catalogue", "command"),
    [
        ("validation", True, "ankleboot report runs/x"),
        ("test", True, "ankleboot report runs/x"),
        ("test", False, "ankleboot predict --model runs/x IMAGE"),
    ],
)
def test_a_network_of_fashion_mnist_is_not_sent_on_to_photos(
    split: str, is_catalogue: bool, command: str
) -> None:
    following = _next_command(Path("runs/x"), (), split, is_run=True, is_catalogue=is_catalogue)
    assert following == command
