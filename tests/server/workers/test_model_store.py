import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import ModelError, UsageError
from ankleboot.models.run import Run
from ankleboot.server.workers.model_store import ModelStore


def test_a_run_without_an_export_is_exported(
    calibrated_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def export(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        Path(command[command.index("--output") + 1]).write_bytes(b"model")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", export)
    messages: list[str] = []
    store = ModelStore([str(calibrated_run.folder)], messages.append)
    try:
        (path,) = store.paths.values()
        assert Path(path).read_bytes() == b"model"
        assert (Path(path).parent / "result.json").is_file()
        assert "exporting to LiteRT" in messages[0] and len(commands) == 1
        assert "--trust" not in commands[0]
    finally:
        store.remove()
    assert not Path(path).exists()
    ModelStore([str(calibrated_run.folder)], messages.append, trust=True).remove()
    assert "--trust" in commands[1]


def test_a_current_export_is_used(
    calibrated_run: Run, exported: Callable[[str], Path], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(calibrated_run.folder, tmp_path / "mine"))
    (run / "exports").mkdir(exist_ok=True)
    shutil.copy(exported("litert"), run / "exports/model.tflite")
    store = ModelStore([str(run), str(run)], lambda message: pytest.fail(message))
    try:
        assert list(store.paths) == ["mine", "mine-2"]
    finally:
        store.remove()


def test_models_that_cannot_be_served_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"x")
    for model, message in [
        (str(tmp_path / "none"), "no such model file or run folder"),
        (str(tmp_path / "model.keras"), "the server runs LiteRT, ONNX and OpenVINO"),
    ]:
        with pytest.raises(ModelError, match=message):
            ModelStore([model], print)
    with pytest.raises(UsageError, match="twice"):
        ModelStore(["photo", "photo"], print)
