"""The notebooks run, on the sample, and are those of the scripts beside them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
DATA = 'DATA = "fashion-mnist"'


def opened(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def test_the_notebooks_are_fresh() -> None:
    command = [sys.executable, str(ROOT / "tools/make_notebooks.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run make notebooks"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_valid_and_holds_no_outputs(path: Path) -> None:
    notebook = opened(path)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)


def executed(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The notebook after it has run on the sample, in a folder of its own."""
    notebook = opened(path)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert sum(DATA in cell.source for cell in codes) == 1
    for cell in codes:
        cell.source = cell.source.replace(DATA, 'DATA = "sample"')
    source = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", source)
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}})
    client.execute()
    return notebook


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in the kernel client's own code
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_quick_start_tells_its_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = executed(ROOT / "notebooks/quickstart.ipynb", tmp_path, monkeypatch)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(codes) == 12
    pictures = [o for cell in codes for o in cell.outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 4  # samples, curves, confusion matrix, the worst mistakes
    said = json.dumps([cell.outputs for cell in codes])
    for words in ("2,000 training", "Trainable params", "epoch 3/3", "% right (95 %", "Shirt"):
        assert words in said, words
    (run,) = (tmp_path / "runs").iterdir()
    assert (run / "model.keras").is_file()
