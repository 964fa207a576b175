"""Foreign models, which take seconds to train, and the child's work in this process."""

import json
import sys
from typing import Any

import pytest

from ankleboot.core.subprocesses import Limits
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.models.foreign import child
from helpers import foreign


@pytest.fixture(scope="session")
def data() -> Dataset:
    return load_data("sample")


@pytest.fixture(scope="session")
def base(data: Dataset) -> Any:
    return foreign.plain(data, filters=8, epochs=4)


@pytest.fixture(scope="session")
def files(
    base: Any, data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> foreign.ForeignFiles:
    return foreign.ForeignFiles(tmp_path_factory.mktemp("foreign"), base, data)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the child's work in this process, which has imported TensorFlow already."""

    def run(module: str, path: str, *, wall_s: float) -> dict[str, Any]:
        assert module == child.__name__ and wall_s > 0
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", [module, path])
            patch.setattr(Limits, "restrict_this_process", lambda self: None)
            patch.setattr(child, "limit_more_memory", lambda num_bytes: None)
            child.main()
        document: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return document

    monkeypatch.setattr("ankleboot.evaluation.adoption.adopt.run_isolated", run)
