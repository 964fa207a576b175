"""Bars of long work: rate and time left on a terminal, nothing in a pipe."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ankleboot.cli.output.progress import counted, working
from ankleboot.cli.output.terminal import log_line
from ankleboot.core.progress import counting, report_progress, watched_by
from ankleboot.core.types import Images, Probs
from ankleboot.data.load import load_data
from ankleboot.inference.predictor import BatchPredictor
from ankleboot.recipes.image_spec import ImageSpec
from helpers.predictors import FakePredictor
from helpers.terminal import make_terminal

REDRAWN = 0.25  # seconds in which a bar is drawn anew


def test_a_bar_counts_what_the_work_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = make_terminal(monkeypatch, 80, "stderr")
    with working("evaluate"):
        for done in (100, 200, 300):
            report_progress("images", done, 1_000)
            time.sleep(REDRAWN / 2)
        time.sleep(REDRAWN)
        log_line("note: something")
        report_progress("images", 1_000, 1_000)
    text = stderr.getvalue()
    assert "evaluate: images" in text and "300/1,000" in text
    assert "/s" in text and " left" in text and "note: something\n" in text
    assert text.endswith("\x1b[2K")  # the bar is removed


def test_a_pipe_gets_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with working("evaluate"):
        report_progress("images", 1, 2)
    assert list(counted(range(3), 3, "images")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_items_are_counted_with_their_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = make_terminal(monkeypatch, 80, "stderr")
    for _ in counted(range(4), 4, "images"):
        time.sleep(REDRAWN / 2)
    assert "images" in stderr.getvalue() and "/4" in stderr.getvalue()
    assert "/s" in stderr.getvalue()


def test_parts_of_counted_parts_are_not_reported() -> None:
    seen: list[tuple[str, int, int]] = []
    report_progress("nobody", 1, 2)
    with watched_by(lambda *counts: seen.append(counts)):
        with counting("folds", 2) as report:
            for fold in range(2):
                report(fold)
                report_progress("images", 5, 10)
        report_progress("images", 5, 10)
    report_progress("nobody", 1, 2)
    assert seen == [("folds", 0, 2), ("folds", 1, 2), ("folds", 2, 2), ("images", 5, 10)]


class InBatches(BatchPredictor):
    """Predictor that knows nothing, in batches of three."""

    batch_size = 3

    def __init__(self) -> None:
        self.name, self.info = "x", FakePredictor(np.full((1, 10), 0.1)).info

    def _predict_batch(self, images: Images) -> Probs:
        return np.full((len(images), 10), 0.1, np.float32)


def test_predictors_report_their_images() -> None:
    seen: list[tuple[str, int, int]] = []
    with watched_by(lambda *counts: seen.append(counts)):
        InBatches().predict(np.zeros((7, 28, 28), np.uint8))
    assert seen == [("images", 3, 7), ("images", 6, 7), ("images", 7, 7)]


def test_decoded_images_of_a_folder_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))  # nothing is decoded already
    for kind in ("cat", "dog"):
        (tmp_path / "own" / kind).mkdir(parents=True)
        for number in range(35):
            pixels = np.full((9, 9, 3), 3 * number + (kind == "dog"), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "own" / kind / f"{number}.png")
    seen: list[tuple[str, int, int]] = []
    with watched_by(lambda *counts: seen.append(counts)):
        load_data(tmp_path / "own", image_spec=ImageSpec(8, crop="none"))
    assert seen == [("images", 64, 70), ("images", 70, 70)]


def test_work_within_work_is_counted_by_the_outer_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = make_terminal(monkeypatch, 80, "stderr")
    with working("explain"):
        with working("data"):
            report_progress("images", 5, 10)
            time.sleep(REDRAWN)
        report_progress("images", 10, 10)
    assert "explain: images" in stderr.getvalue() and "data" not in stderr.getvalue()
