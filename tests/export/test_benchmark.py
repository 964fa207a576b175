"""Prediction benchmark: measurements and their summary."""

from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import UsageError
from ankleboot.export import benchmark


@pytest.mark.slow  # starts a process for each runtime
def test_runtimes_are_measured_with_the_same_figures() -> None:
    messages: list[str] = []
    runtimes = ["model(x)", "litert"]
    document = benchmark.benchmark_formats(
        1, runtimes, Path("pretrained"), "sample", messages.append, seconds=0.02
    )
    keras, litert = document["summary"]
    assert [keras["name"], litert["name"]] == runtimes == [line.split()[2] for line in messages]
    assert litert["validation_accuracy"] == keras["validation_accuracy"] > 0.9
    assert litert["bytes"] < keras["bytes"] and litert["p50_us"] < keras["p50_us"]
    assert litert["p50_us"] <= litert["p99_us"]
    assert all(rate > 0 for rate in litert["images_per_second"].values())
    assert litert["times_faster"] is None  # nothing to compare with
    with pytest.raises(UsageError, match="unknown runtime 'tflite'; valid: model.predict, "):
        benchmark.benchmark_formats(1, ["tflite"], Path("pretrained"), "sample", messages.append)


def row(name: str, round_: int, p50: float, rate: float) -> dict[str, Any]:
    same = {"load_seconds": 1.0, "p99_us": p50, "peak_mib": 1.0, "bytes": 1}
    own = {"p50_us": p50, "images_per_second": {"batch 1": rate / 2, "batch 8": rate}}
    return {"name": name, "round": round_, "validation_accuracy": 0.9} | same | own


def test_runtimes_are_compared_round_by_round() -> None:
    rows = [row("model.predict", r, p50, 100.0) for r, p50 in enumerate((1000.0, 3000.0, 5000.0))]
    rows += [row("litert", r, p50, 400.0 * (r + 1)) for r, p50 in enumerate((10.0, 10.0, 100.0))]
    first, second = benchmark.summarize(rows)
    assert first["times_faster"] == 1 and first["times_throughput"] == 1
    assert second["times_faster"] == 100 and second["times_throughput"] == 8
    assert second["images_per_second"] == {"batch 1": 400.0, "batch 8": 800.0}
