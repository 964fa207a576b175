"""Arithmetic of `benchmarks/bench.py`, and each command once on the sample."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ankleboot.core.errors import UsageError
from ankleboot.data.load import load_data
from bench import bench
from lib import scaling, train
from lib.training_baselines import CONTENDERS, REQUIRED_MODULES


def row(name: str, seed: int, seconds: float, accuracy: float, **more: Any) -> dict[str, Any]:
    common: dict[str, Any] = {
        "cpu_seconds": seconds,
        "peak_mib": 100.0,
        "gflops": None,
        "stages": {},
    }
    curve = [[seconds / 2, 0.90], [seconds, 0.92]]
    return common | {
        "name": name,
        "seed": seed,
        "seconds": seconds,
        "test_accuracy": accuracy,
        "curve": curve,
        "precision": "float32",
        **more,
    }


def test_summary_compares_round_by_round() -> None:
    """Ratios of pairs, not of medians: what slows a whole round must not count."""
    rows = [row("keras-script", seed, s, 0.91) for seed, s in enumerate((100.0, 200.0, 400.0))]
    rows += [
        row("sprint", seed, s, 0.91 + seed / 1000, gflops=50.0, stages={"steps": s})
        for seed, s in enumerate((2.0, 5.0, 4.0))
    ]
    reference, sprint = train.summarize(rows, {"float32": 200.0})
    assert sprint["ratios"] == [50.0, 40.0, 100.0] and sprint["ratio"] == 50.0
    assert reference["ratio"] == 1.0 and reference["seconds"] == 200.0
    assert sprint["test_accuracy_mean"] == pytest.approx(0.911)
    assert sprint["test_accuracy_std"] == pytest.approx(0.001)
    assert sprint["utilisation"] == 0.25 and reference["utilisation"] is None
    assert sprint["seconds_to_target"] == 4.0 and sprint["stages"] == {"steps": 4.0}


def test_seconds_to_the_target_are_those_of_the_first_epoch_that_reaches_it() -> None:
    assert train.seconds_to([(1.0, 0.9), (2.0, 0.9123), (3.0, 0.95)]) == 2
    assert train.seconds_to([(1.0, 0.9), (2.0, 0.9122)]) is None


def test_unknown_contenders_raise_and_missing_packages_are_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UsageError, match="unknown contender 'sprnt'; valid: keras-script"):
        train.measure_training(1, ["sprnt"], "sample", print)
    messages: list[str] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(train, "run_isolated", lambda *_: {"float32": 1.0, "bfloat16": 1.0})
    document = train.measure_training(1, ["pytorch"], "sample", messages.append)
    assert messages[0] == "pytorch is left out: torch is not installed"
    assert document["left_out"] == ["pytorch"] and document["runs"] == []


def test_rounds_of_a_later_sitting_have_seeds_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(module: str, *arguments: str) -> dict[str, Any]:
        peaks = {"float32": 1.0, "bfloat16": 1.0}
        return (
            peaks if module == "lib.gemm_peak" else row(arguments[0], int(arguments[1]), 2.0, 0.9)
        )

    monkeypatch.setattr(train, "run_isolated", run)
    earlier = [row("keras-script", 0, 8.0, 0.9), row("sprint", 0, 1.0, 0.9)]
    document = train.measure_training(
        2, ["keras-script", "sprint"], "sample", lambda _: None, earlier
    )
    assert [each["seed"] for each in document["runs"]] == [0, 0, 1, 1, 2, 2]
    assert document["summary"][1]["ratios"] == [8.0, 1.0, 1.0]


def test_line_is_fitted_with_its_coefficient_of_determination() -> None:
    fit = scaling.fit_line([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 5.0, 7.0])
    assert fit == pytest.approx({"intercept": 1, "slope": 2, "r_squared": 1})
    assert scaling.fit_line([0.0, 1.0, 2.0, 3.0], [0.0, 5.0, 0.0, 5.0])["r_squared"] < 0.5


def test_more_images_than_the_file_has_come_from_a_mapped_file(tmp_path: Path) -> None:
    sample = load_data("sample")
    num = len(sample.train)
    larger = scaling.resize_dataset(sample, 2 * num + 10, tmp_path).train
    assert isinstance(larger.images, np.memmap) and len(larger) == 2 * num + 10
    assert (larger.images[:num] == sample.train.images).all()
    assert (larger.images[num:][:num] == np.roll(sample.train.images, 1, axis=2)).all()
    assert (larger.labels[num : 2 * num] == sample.train.labels).all()
    assert len(scaling.resize_dataset(sample, 100, tmp_path).train) == 100


def run_command(
    name: str, file_name: str, folder: Path, *options: str
) -> tuple[dict[str, Any], Result]:
    arguments = [name, "--rounds", "1", "--data", "sample", "--output", str(folder)]
    result = CliRunner().invoke(bench, [*arguments, *options], catch_exceptions=False)
    assert result.exit_code == 0
    stored: dict[str, Any] = json.loads((folder / f"{file_name}.json").read_text())
    assert {"hardware", "versions", "date", "git_commit"} <= stored.keys()
    return stored, result


@pytest.mark.slow
def test_train_measures_and_prints(tmp_path: Path) -> None:
    stored, result = run_command("train", "train", tmp_path, "--only", "sprint")
    (summary,) = stored["summary"]
    assert summary["runs"] == 1 and 0 < summary["seconds"] < 60 and summary["gflops"] > 0
    assert stored["runs"][0]["num_test"] == 500
    assert "sprint" in result.stdout and "n = 1" in result.stdout
    assert (tmp_path / "train.png").stat().st_size > 10_000


@pytest.mark.slow
def test_startup_names_the_stages(tmp_path: Path) -> None:
    stored, result = run_command("startup", "start", tmp_path)
    assert "import of TensorFlow" in stored["stages"]
    assert stored["total"] == pytest.approx(sum(stored["stages"].values()))
    assert "s in all" in result.stdout


@pytest.mark.slow
def test_profile_names_operations(tmp_path: Path) -> None:
    stored, result = run_command("profile", "profile", tmp_path)
    assert 0 < stored["utilisation"] < 1.2
    assert any("Conv2D" in operation["kind"] for operation in stored["operations"])
    assert "GEMM peak" in result.stdout


@pytest.mark.slow
def test_scaling_measures_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "IMAGES", (500, 1_500, 4_000))  # the sample has 2,000
    monkeypatch.setattr(scaling, "WIDTHS", (1, 2))
    stored, result = run_command("scaling", "growth", tmp_path)
    assert [point["images"] for point in stored["images"]] == [500, 1_500, 4_000]
    assert "microseconds per image" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", ["keras-script", "hog-svm", "pytorch", "lightgbm"])
def test_every_baseline_learns(name: str) -> None:
    for module in REQUIRED_MODULES.get(name, ()):
        pytest.importorskip(module)
    result = CONTENDERS[name](load_data("sample"), 0)
    assert result.test_accuracy > 0.6 and result.num_test == 500
    assert result.seconds >= result.curve[-1][0]
