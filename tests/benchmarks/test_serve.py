"""Summary, faults and table of `bench.py serve`."""

from typing import Any

import pytest

from ankleboot.core.errors import UsageError
from lib import serve, tables
from lib.load_stats import FAILURES


def no_failures() -> dict[str, int]:
    return dict.fromkeys(FAILURES, 0)


def row(name: str, round_: int, rate: float, **figures: float) -> dict[str, Any]:
    usual = {"ready_seconds": 1.0, "p50_ms": 2.0, "p99_ms": 3.0, "requests_per_second": rate}
    load = {
        "sent": 10,
        "statuses": {"200": 7, "503": 2},
        "wrong": 1,
        "failures": no_failures() | {"lost": 1},
        "resets": 1,
        "with_retry_after": 1,
    }
    return {"name": name, "round": round_, "figures": usual | figures, "exit_code": 0} | {
        "loads": {"images": load, "uploads": load}
    }


def rows() -> list[dict[str, Any]]:
    ours = [row("ankleboot", r, rate) for r, rate in enumerate((1000.0, 2000.0, 1200.0))]
    theirs = [row("gradio", r, rate) for r, rate in enumerate((10.0, 10.0, 30.0))]
    return ours + theirs


def test_servers_are_compared_round_by_round() -> None:
    ours, theirs = serve.summarize(rows())
    assert ours["ratio"] == 1 and ours["requests_per_second"] == 1200
    assert theirs["ratios"] == [100, 200, 40] and theirs["ratio"] == 100
    assert theirs["requests_per_second"] == 10 and theirs["runs"] == 3
    (alone,) = serve.summarize([row("gradio", 0, 10.0)])
    assert alone["ratio"] is None


def test_faults_count_our_server_only() -> None:
    result = serve.count_faults(rows())
    assert result["sent"] == 60 and result["statuses"] == {"200": 42, "503": 12}
    assert result["wrong"] == 6 and result["resets"] == 6 and result["without_retry_after"] == 6
    assert result["failures"] == no_failures() | {"lost": 6}
    assert result["exit_codes"] == [0]


def test_table_of_servers(capsys: pytest.CaptureFixture[str]) -> None:
    loaded = {
        "steady_rate": 840.0,
        "steady_p50_ms": 1.5,
        "steady_p99_ms": 9.0,
        "modest_rate": 560.0,
        "modest_p50_ms": 1.2,
        "modest_p99_ms": 7.0,
        "batched_images_per_second": 12_000.0,
        "listed_images_per_second": 11_000.0,
        "photos_per_second": 90.0,
        "pss_mib_at_end": 150.0,
    }
    for name in ("double", "overload", "photo_overload"):
        loaded |= {f"{name}_offered_per_second": 5000.0, f"{name}_goodput_share": 0.93}
        loaded |= {f"{name}_p99_ms": 20.0}
    ours = row("ankleboot", 0, 1200.0, overload_503_p99_ms_since_sent=4.5, **loaded)
    result = [ours, row("gradio", 0, 12.0)]
    document = {"summary": serve.summarize(result), "faults": serve.count_faults(result)}
    checked: dict[str, Any] = {"sent": 100_000, "pictures": 2_525, "wrong": 0}
    checked |= {"labels_as_in_process": 2_525, "largest_difference_of_probs": 3e-7}
    tables.print_serving(document | {"correctness": checked})
    shown = capsys.readouterr().out
    assert "100.0 x" in shown and "at 840 requests/s: p50 1.50 ms, p99 9.00 ms" in shown
    assert (
        "93 % of the peak answered, p99 20.0 ms; rejected (503) within 4.5 ms of being sent"
        in shown
    )
    assert "12,000 uploaded" in shown and "probabilities within 3e-07" in shown
    tables.print_serving(document | {"correctness": None})
    assert "concurrent" not in capsys.readouterr().out


def test_unknown_contenders_raise_and_missing_packages_are_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UsageError, match="unknown contender 'gardio'; valid: ankleboot, fastapi"):
        serve.measure_serving(1, ["gardio"], 0, [], print)
    messages: list[str] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    document = serve.measure_serving(1, ["gradio"], 0, [], messages.append)
    assert messages == ["gradio is left out: gradio is not installed"]
    assert document["left_out"] == ["gradio"] and document["runs"] == []
