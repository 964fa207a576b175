import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ankleboot.core.errors import EnvironmentFailure, ModelError, UsageError
from ankleboot.models.files.keras_seal import sealed
from ankleboot.models.run import Run
from ankleboot.server.workers import model_store
from ankleboot.server.workers.model_store import ModelStore
from helpers.adversarial import PNG
from helpers.server import running_server


@pytest.fixture
def own_run(calibrated_run: Run, tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(calibrated_run.folder, tmp_path / "mine"))
    shutil.rmtree(folder / "exports", ignore_errors=True)
    return folder


@pytest.fixture
def commands(exported: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Commands that the store starts; the export takes no time."""
    commands: list[list[str]] = []
    content = exported("litert").read_bytes()

    def export(command: list[str]) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        Path(command[command.index("--output") + 1]).write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(model_store, "run_to_end", export)
    return commands


def test_a_run_without_an_export_is_exported_once(own_run: Path, commands: list[list[str]]) -> None:
    """Every start of the server converted the model anew: 45 seconds."""
    messages: list[str] = []
    (own_run / "evaluation-held-out.json").write_text("{}")
    store = ModelStore([str(own_run)], messages.append)
    try:
        (path,) = store.paths.values()
        assert (Path(path).parent / "result.json").is_file()
        assert (Path(path).parent / "evaluation-held-out.json").is_file()
        assert "exporting to LiteRT, once" in messages[0] and len(commands) == 1
        assert "--trust" not in commands[0]
        kept = own_run / "exports/model.tflite"
        assert kept.read_bytes() == Path(path).read_bytes()
    finally:
        store.remove()
    assert not Path(path).exists()
    ModelStore([str(own_run)], lambda message: pytest.fail(message)).remove()
    assert len(commands) == 1
    kept.unlink()
    ModelStore([str(own_run)], messages.append, trust=True).remove()
    assert "--trust" in commands[1]


@pytest.mark.parametrize("change", ["damaged", "trained further", "labels"])
def test_a_stale_file_is_neither_served_nor_replaced(
    change: str, own_run: Path, commands: list[list[str]], exported: Callable[[str], Path]
) -> None:
    model, kept = own_run / "model.keras", own_run / "exports/model.tflite"
    kept.parent.mkdir()
    content = b"another" if change == "damaged" else exported("litert").read_bytes()
    kept.write_bytes(content)
    reason = ""
    if change == "trained further":
        model.write_bytes(b" " + model.read_bytes())
        reason = f"made from another model than {model} is now"
    elif change == "labels":
        info = replace(Run(own_run).metadata(), labels=tuple("abcdefghij"))
        model.write_bytes(sealed(model.read_bytes(), info))
        reason = f"other labels than {model}"
    messages: list[str] = []
    ModelStore([str(own_run)], messages.append).remove()
    assert messages[0].startswith(f"{kept}: {reason}")
    assert messages[0].endswith("; the file is not served")
    assert len(commands) == 1 and "exporting to LiteRT" in messages[1]
    assert messages[2] == f"the export is not kept: {kept} exists; remove it"
    assert kept.read_bytes() == content


def test_a_run_folder_that_cannot_be_written_is_served_all_the_same(
    own_run: Path, commands: list[list[str]]
) -> None:
    (own_run / "exports").write_bytes(b"a file where a folder is needed")
    messages: list[str] = []
    store = ModelStore([str(own_run)], messages.append)
    assert Path(next(iter(store.paths.values()))).is_file() and len(commands) == 1
    assert messages[1].startswith("the export is not kept: cannot create folder")
    store.remove()


@pytest.mark.parametrize("format", ["litert-int8", "onnx"])
def test_another_exported_file_of_the_run_is_used(
    format: str, own_run: Path, exported: Callable[[str], Path]
) -> None:
    """The server ignored the run's int8 file, and converted the model again."""
    source = exported(format)
    (own_run / "exports").mkdir()
    shutil.copy(source, own_run / "exports")
    messages: list[str] = []
    store = ModelStore([str(own_run)], messages.append)
    (path,) = store.paths.values()
    assert Path(path).read_bytes() == source.read_bytes()
    assert messages == [f"{own_run}: serving {own_run / 'exports' / source.name}"]
    store.remove()


def test_a_current_export_is_used(own_run: Path, exported: Callable[[str], Path]) -> None:
    (own_run / "exports").mkdir()
    shutil.copy(exported("litert-int8"), own_run / "exports")
    shutil.copy(exported("litert"), own_run / "exports")  # the more exact one
    store = ModelStore([str(own_run), str(own_run)], lambda message: pytest.fail(message))
    try:
        assert list(store.paths) == ["mine", "mine-2"]
        assert Path(store.paths["mine"]).name == "model.tflite"
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


def test_a_run_with_its_export_is_served_without_tensorflow(
    own_run: Path, exported: Callable[[str], Path]
) -> None:
    """A real start: neither the server nor its worker maps TensorFlow, nothing is converted."""
    (own_run / "exports").mkdir()
    shutil.copy(exported("litert"), own_run / "exports")
    with running_server("--model", str(own_run), "--workers", "1") as server:
        server.wait_until_ready()
        assert server.document["ready_seconds"] < 20  # 1 on a free core; a conversion takes 45
        for pid in (server.pid, *server.worker_pids()):
            assert "tensorflow" not in Path(f"/proc/{pid}/maps").read_text()
        assert "exporting" not in server.log_text() and server.post(PNG).status == 200


def test_without_a_folder_for_temporary_files_the_model_is_served_where_it_is(
    exported: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a read-only system the server ended with a traceback."""

    def no_folder(**_: object) -> None:
        raise EnvironmentFailure("no folder can be written")

    monkeypatch.setattr(model_store, "temp_folder", no_folder)
    messages: list[str] = []
    path = exported("litert")
    store = ModelStore([str(path)], messages.append)
    assert list(store.paths.values()) == [str(path)] and "served where it is" in messages[0]
    store.remove()
    assert path.exists()


def test_a_run_without_an_export_needs_a_folder(
    own_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_folder(**_: object) -> None:
        raise EnvironmentFailure("no folder can be written")

    monkeypatch.setattr(model_store, "temp_folder", no_folder)
    with pytest.raises(EnvironmentFailure, match="has no export to serve, and no folder"):
        ModelStore([str(own_run)], lambda _: None)
