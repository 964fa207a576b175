"""The web page's network is int8 where that is as accurate."""

from dataclasses import replace
from pathlib import Path

import pytest

from ankleboot.core.errors import ModelError
from ankleboot.data.dataset import Dataset
from ankleboot.export import offline_app
from ankleboot.export.export import export_model
from ankleboot.inference.load import load_predictor
from ankleboot.inference.parity_limits import ParityLimits
from ankleboot.models.run import Run


@pytest.fixture(autouse=True)
def without_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ankleboot.export.litertjs.install_runtime", lambda folder: None)


def model_bytes(page: Path) -> int:
    return (page / "model.tflite").stat().st_size


def test_the_network_is_int8_if_that_is_as_accurate(
    bar_run: Run, bar_data: Dataset, tmp_path: Path
) -> None:
    small = export_model(bar_run, "web", tmp_path / "small", bar_data)
    large = export_model(bar_run, "web-float32", tmp_path / "large", bar_data)
    assert (small.weights, large.weights) == ("int8", "float32")
    assert (small.to_json()["weights"], small.to_json()["format"]) == ("int8", "web")
    assert model_bytes(small.path) < model_bytes(large.path)
    assert load_predictor(small.path).info.labels == load_predictor(large.path).info.labels


def test_it_is_float32_if_int8_is_less_accurate(
    bar_run: Run, bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = replace(offline_app.WEB_APP, limits=ParityLimits(max_abs_diff=0.0))
    monkeypatch.setattr(offline_app, "WEB_APP", strict)
    done = export_model(bar_run, "web", tmp_path / "web", bar_data)
    assert (done.weights, done.format) == ("float32", "web")
    assert done.parity.max_abs_diff <= 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["web"]


def test_a_model_that_fails_both_limits_is_refused(
    bar_run: Run, bar_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = ParityLimits(max_abs_diff=-1.0)
    never = replace(offline_app.WEB_APP_FLOAT32, limits=limits)
    monkeypatch.setattr(
        offline_app, "WEB_APP", replace(offline_app.WEB_APP, limits=limits, fallback=never)
    )
    with pytest.raises(ModelError, match="web of .* differs from the Keras model"):
        export_model(bar_run, "web", tmp_path / "web", bar_data)
    assert not list(tmp_path.iterdir())
