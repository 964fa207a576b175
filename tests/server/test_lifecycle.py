import subprocess
import sys
from pathlib import Path

from ankleboot.models.pretrained import catalog
from helpers.server import COMMAND, running_server


def test_a_damaged_model_exits_with_4_and_one_line(tmp_path: Path) -> None:
    content = bytearray((catalog.FOLDER / "model.tflite").read_bytes())
    content[5000] ^= 1
    (tmp_path / "m.tflite").write_bytes(content)
    options = ("serve", "--port", "0", "--log", "off", "--model", str(tmp_path / "m.tflite"))
    process = subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, timeout=30, check=False
    )
    assert process.returncode == 4
    (line,) = process.stderr.splitlines()
    assert line.startswith("error: ") and "SHA-256" in line


def test_variables_configure_the_server() -> None:
    with running_server(
        "--log", "off", ANKLEBOOT_MODELS="photo zero-shot", ANKLEBOOT_WORKERS="1"
    ) as server:
        document = server.document
        assert (document["models"], document["workers"]) == (["photo", "zero-shot"], 1)


def imported_by(module: str) -> set[str]:
    """Return the names of all modules that a process imports with a module."""
    code = f"import sys, {module}\nprint(*sys.modules)"
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(process.stdout.split())


def test_the_http_process_imports_no_numpy_and_no_web_framework() -> None:
    heavy = {"numpy", "PIL", "tensorflow", "keras", "fastapi", "pydantic"}
    assert not imported_by("ankleboot.server.lifecycle") & heavy


def test_a_worker_imports_no_keras() -> None:
    assert "keras" not in imported_by("ankleboot.server.workers.worker")
