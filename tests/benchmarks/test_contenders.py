"""The benchmarks' own arithmetic, and each of their commands once on the sample."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.cli.main import run
from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.core.subprocesses import anonymous_memory_mib, peak_mib
from ankleboot.data.load import load_data
from ankleboot.export import benchmark
from ankleboot.models import architectures
from ankleboot.models.flops import training_flops
from ankleboot.recipes.catalog import PLAIN, SPRINT
from lib import growth, train


def test_flops_of_plain_are_those_counted_by_hand() -> None:
    first = 26 * 26 * 9 * 32  # forward and kernel; images need no gradient
    second = 11 * 11 * 9 * 32 * 64
    dense, logits = 1600 * 128, 128 * 10
    expected = 2 * (2 * first + 3 * (second + dense + logits))
    assert training_flops(architectures.build_model(PLAIN)) == expected


def test_a_frozen_stem_costs_its_forward_pass_alone() -> None:
    stem = 28 * 28 * 16 * 16
    second = 14 * 14 * 9 * 16 * 32  # no gradient for the frozen layer below
    rest = 7 * 7 * 9 * 32 * 64 + 4 * 4 * 9 * 64 * 64 + 256 * 10
    assert training_flops(architectures.build_model(SPRINT)) == 2 * (stem + 2 * second + 3 * rest)


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


def test_the_summary_compares_round_by_round() -> None:
    """Ratios of pairs, not of medians: what slows a whole round must not count."""
    rows = [row("keras-script", seed, s, 0.91) for seed, s in enumerate((100.0, 200.0, 400.0))]
    rows += [
        row("sprint", seed, s, 0.91 + seed / 1000, gflops=50.0, stages={"steps": s})
        for seed, s in enumerate((2.0, 5.0, 4.0))
    ]
    reference, sprint = train.summary(rows, {"float32": 200.0})
    assert sprint["ratios"] == [50.0, 40.0, 100.0] and sprint["ratio"] == 50.0
    assert reference["ratio"] == 1.0 and reference["seconds"] == 200.0
    assert sprint["test_accuracy_mean"] == pytest.approx(0.911)
    assert sprint["test_accuracy_std"] == pytest.approx(0.001)
    assert sprint["utilisation"] == 0.25 and reference["utilisation"] is None
    assert sprint["seconds_to_target"] == 4.0 and sprint["stages"] == {"steps": 4.0}


def test_seconds_to_the_target_are_those_of_the_first_epoch_that_reaches_it() -> None:
    assert train.seconds_to([(1.0, 0.9), (2.0, 0.9123), (3.0, 0.95)]) == 2
    assert train.seconds_to([(1.0, 0.9), (2.0, 0.9122)]) is None


def test_contenders_are_refused_or_left_out_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="unknown contender 'sprnt'; valid: keras-script"):
        train.run(1, ["sprnt"], "sample", print)
    said: list[str] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(train, "isolated", lambda *_: {"float32": 1.0, "bfloat16": 1.0})
    document = train.run(1, ["pytorch"], "sample", said.append)
    assert said[0] == "pytorch is left out: torch is not installed"
    assert document["left_out"] == ["pytorch"] and document["runs"] == []


def test_a_contender_that_fails_is_named_with_its_last_words() -> None:
    from ankleboot.core.subprocesses import run_isolated

    with pytest.raises(
        EnvironmentFailure, match=r"contenders nobody 0 sample: .*unknown contender"
    ):
        run_isolated("lib.contenders", "nobody", "0", "sample")


def test_a_line_is_fitted_with_its_coefficient_of_determination() -> None:
    fit = growth.line([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 5.0, 7.0])
    assert fit == pytest.approx({"intercept": 1, "slope": 2, "r_squared": 1})
    assert growth.line([0.0, 1.0, 2.0, 3.0], [0.0, 5.0, 0.0, 5.0])["r_squared"] < 0.5


def test_more_images_than_there_are_come_from_a_mapped_file(tmp_path: Path) -> None:
    sample = load_data("sample")
    num = len(sample.train)
    larger = growth.sized(sample, 2 * num + 10, tmp_path).train
    assert isinstance(larger.images, np.memmap) and len(larger) == 2 * num + 10
    assert (larger.images[:num] == sample.train.images).all()
    assert (larger.images[num:][:num] == np.roll(sample.train.images, 1, axis=2)).all()
    assert (larger.labels[num : 2 * num] == sample.train.labels).all()
    assert len(growth.sized(sample, 100, tmp_path).train) == 100


def test_memory_is_read() -> None:
    peak, own = peak_mib(), anonymous_memory_mib()
    assert peak is None or peak > 50
    assert own is None or peak is None or 10 < own <= peak


def documents(name: str, folder: Path, *options: str) -> dict[str, Any]:
    arguments = ["bench", name, "--rounds", "1", "--data", "sample", "--out", str(folder)]
    assert run([*arguments, *options]) == 0
    stored: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    assert {"hardware", "versions", "date", "git_commit"} <= stored.keys()
    return stored


def test_bench_train_measures_and_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = documents("train", tmp_path, "--only", "sprint")
    (summary,) = stored["summary"]
    assert summary["runs"] == 1 and 0 < summary["seconds"] < 60 and summary["gflops"] > 0
    assert stored["runs"][0]["num_test"] == 500
    shown = capsys.readouterr().out
    assert "sprint" in shown and "n = 1" in shown
    assert (tmp_path / "train.png").stat().st_size > 10_000


def test_bench_start_names_the_stages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = documents("start", tmp_path)
    assert "import of TensorFlow" in stored["stages"]
    assert stored["total"] == pytest.approx(sum(stored["stages"].values()))
    assert "s in all" in capsys.readouterr().out


@pytest.mark.slow
def test_bench_profile_names_operations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = documents("profile", tmp_path)
    assert 0 < stored["utilisation"] < 1.2
    assert any("Conv2D" in operation["kind"] for operation in stored["operations"])
    assert "GEMM peak" in capsys.readouterr().out


@pytest.mark.slow
def test_bench_growth_measures_points(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "IMAGES", (500, 1_500, 4_000))  # the sample has 2,000
    monkeypatch.setattr(growth, "WIDTHS", (1, 2))
    stored = documents("growth", tmp_path)
    assert [point["images"] for point in stored["images"]] == [500, 1_500, 4_000]
    assert "microseconds per image" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("name", ["keras-script", "hog-svm", "pytorch", "lightgbm"])
def test_every_peer_learns_something(name: str) -> None:
    from lib.contenders import CONTENDERS, NEEDS

    for module in NEEDS.get(name, ()):
        pytest.importorskip(module)
    outcome = CONTENDERS[name](load_data("sample"), 0)
    assert outcome.test_accuracy > 0.6 and outcome.num_test == 500
    assert outcome.seconds >= outcome.curve[-1][0]


def test_bench_predict_measures_every_way_alike() -> None:
    said: list[str] = []
    ways = ["model(x)", "litert"]
    document = benchmark.benchmark_formats(
        1, ways, Path("pretrained"), "sample", said.append, seconds=0.02
    )
    keras, litert = document["summary"]
    assert [keras["name"], litert["name"]] == ways == [line.split()[2] for line in said]
    assert litert["validation_accuracy"] == keras["validation_accuracy"] > 0.9
    assert litert["bytes"] < keras["bytes"] and litert["p50_us"] < keras["p50_us"]
    assert litert["p50_us"] <= litert["p99_us"]
    assert all(rate > 0 for rate in litert["images_per_second"].values())
    assert litert["times_faster"] is None  # nothing to compare with
    with pytest.raises(UsageError, match="unknown way 'tflite'; valid: model.predict, "):
        benchmark.benchmark_formats(1, ["tflite"], Path("pretrained"), "sample", said.append)


def way(name: str, round_: int, p50: float, rate: float) -> dict[str, Any]:
    same = {"load_seconds": 1.0, "p99_us": p50, "peak_mib": 1.0, "bytes": 1}
    own = {"p50_us": p50, "images_per_second": {"batch 1": rate / 2, "batch 8": rate}}
    return {"name": name, "round": round_, "validation_accuracy": 0.9} | same | own


def test_ways_are_compared_round_by_round() -> None:
    rows = [way("model.predict", r, p50, 100.0) for r, p50 in enumerate((1000.0, 3000.0, 5000.0))]
    rows += [way("litert", r, p50, 400.0 * (r + 1)) for r, p50 in enumerate((10.0, 10.0, 100.0))]
    first, second = benchmark.summary(rows)
    assert first["times_faster"] == 1 and first["times_throughput"] == 1
    assert second["times_faster"] == 100 and second["times_throughput"] == 8
    assert second["images_per_second"] == {"batch 1": 400.0, "batch 8": 800.0}
