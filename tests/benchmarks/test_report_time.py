"""Arithmetic of `benchmarks/report_time.py`."""

import itertools
import time
from typing import Any

import pytest

from lib.report_parts import Stopwatch
from report_time import compare, summarize


def test_parts_exclude_what_they_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock takes a second of wall time and two of CPU time."""
    wall, cpu = itertools.count(), itertools.count(step=2)
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(wall)))
    monkeypatch.setattr(time, "process_time", lambda: float(next(cpu)))
    watch = Stopwatch()
    predict = watch.timed("predictions", lambda images: 2 * images)
    with watch.part("report"):
        with watch.part("metrics"):
            assert predict(21) == 42
        predict(1)
    assert watch.parts == {
        "report": (3.0, 6.0),
        "report: metrics": (2.0, 4.0),
        "report: metrics: predictions": (1.0, 2.0),
        "report: predictions": (1.0, 2.0),
    }


def row(seconds: float, predictions: float, sentence: str = "Shirts are hard.") -> dict[str, Any]:
    return {
        "seconds": seconds,
        "cpu_seconds": 2 * seconds,
        "parts": {
            "imports": {"seconds": 4.0, "cpu_seconds": 3.0},
            "predictions": {"seconds": predictions, "cpu_seconds": 2 * predictions},
        },
        "bytes": 7,
        "load": 0.5,
        "sentences": [sentence],
    }


def test_reports_are_compared_round_by_round() -> None:
    before = [row(100, 60), row(90, 50), row(400, 300)]
    now = [row(50, 20), row(60, 30), row(100, 10)]
    found = summarize(now)
    assert found["seconds"] == 60 and found["cpu_seconds"] == 120 and found["bytes"] == 7
    assert list(found["parts"].items()) == [
        ("predictions", {"seconds": 20, "cpu_seconds": 40}),
        ("imports", {"seconds": 4, "cpu_seconds": 3}),
    ]
    assert compare(before, now) == {"ratio": 2, "cpu_ratio": 2, "same_sentences": True}
    now[1] = row(60, 30, "Sandals are hard.")
    assert not compare(before, now)["same_sentences"]
