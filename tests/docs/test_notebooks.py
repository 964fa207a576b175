"""The notebooks run, on the sample, and are those of the scripts beside them."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import make_notebooks
from ankleboot.core import plugins
from ankleboot.studies.stored_answers import format_answer
from ankleboot.studies.study import get_study

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SETUP = (ROOT / "notebooks/shared/setup.py").read_text()
DATA = 'DATA = "fashion-mnist"'
SAMPLE_NOTE = "The study used all images. The 2,000 above may give other numbers and another order."

LESSONS = {
    "convolutions": (4, ["26,698, as in Keras", "the same probabilities, shuffled or not"]),
    "filters": (6, ["26 x 26 places, all as by hand", "The first map by hand: the same."]),
    "pooling": (3, ["average  (28, 28) -> (14, 14), as in Keras", "a pixel leaves"]),
    "normalization": (3, ["ratio 255.0", "about 2^16", "largest difference between 0 to 1"]),
    "softmax": (4, ["The same as Keras.", "from x = 88.72 on", "[nan nan nan nan]", ": the same"]),
    "overfitting": (
        4,
        ["Overfitting: after epoch", "early stopping", "random labels", "the rest 1.429"],
    ),
    "confusion": (
        3,
        ["of 45 pairs hold half", "labels are doubted", "with the probabilities added"],
    ),
    "ladder": (2, ["as counted above", "within that spread", "sum of the single gains"]),
}
"""Notebook of each study: number of figures, and text that it must print."""


def read_notebook(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_notebooks_match_their_scripts() -> None:
    command = [sys.executable, str(ROOT / "tools/make_notebooks.py"), "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run make notebooks"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid_and_holds_no_outputs(path: Path) -> None:
    notebook = read_notebook(path)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_begins_with_the_shared_setup(path: Path) -> None:
    first, second = code_cells(read_notebook(path))[:2]
    assert first.source == SETUP.split("# %%\n")[1].strip()
    assert DATA in second.source


def test_an_address_gives_badges_and_an_installation() -> None:
    """The repository has no public address yet; with one every notebook opens elsewhere."""
    script = (ROOT / "notebooks/pooling.py").read_text()
    path = "someone/ankleboot/blob/HEAD/notebooks/pooling.ipynb"
    for address in (
        "https://github.com/someone/ankleboot",
        "https://github.com/someone/ankleboot.git",
    ):
        cells = json.loads(make_notebooks.notebook(script, "pooling", address))["cells"]
        first = "".join(cells[0]["source"])
        assert f"https://colab.research.google.com/github/{path}" in first
        assert "mybinder.org/v2/gh/someone/ankleboot/HEAD?labpath=notebooks/pooling.ipynb" in first
        setup = next("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        assert f'REPOSITORY = "git+{address}"' in setup
    with pytest.raises(ValueError, match="expected https://github.com/OWNER/NAME"):
        make_notebooks.notebook(script, "pooling", "https://example.org/x")


@pytest.mark.parametrize(
    ("repository", "in_checkout", "expected"),
    [
        ("", False, "ankleboot"),
        ("", True, "ankleboot @ file:///checkout"),
        ("git+https://x.org/a", True, "ankleboot @ git+https://x.org/a"),
    ],
)
def test_the_first_cell_installs_a_missing_package(
    repository: str,
    in_checkout: bool,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Colab has TensorFlow and no checkout; without a release, the message names the way out."""
    commands: list[list[str]] = []

    def refuse(command: list[str], check: bool) -> Any:
        commands.append(command)
        return subprocess.CompletedProcess(command, returncode=1)

    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name == "ankleboot" else name
    )
    monkeypatch.setattr("subprocess.run", refuse)
    monkeypatch.setattr(Path, "cwd", lambda: Path("/checkout/notebooks"))
    package = Path("/checkout/src/ankleboot")
    monkeypatch.setattr(Path, "is_dir", lambda path: in_checkout and path == package)
    code = SETUP.split("# %%\n")[1].replace('REPOSITORY = ""', f'REPOSITORY = "{repository}"')
    with pytest.raises(SystemExit, match="Write an address into REPOSITORY"):
        exec(code, {})
    assert commands[0][:5] == [sys.executable, "-m", "pip", "install", "--quiet"]
    assert commands[0][5] == expected


def test_binder_installs_what_the_notebooks_need() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (line,) = [
        line
        for line in (ROOT / "binder/requirements.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    extras = line.removeprefix(".[").removesuffix("]").split(",")
    assert set(extras) <= set(project["optional-dependencies"])


def test_every_study_has_a_notebook() -> None:
    assert tuple(LESSONS) == plugins.names("studies")[: len(LESSONS)]
    for name in LESSONS:
        study = get_study(name)
        notebook = read_notebook(ROOT / f"notebooks/{name}.ipynb")
        assert notebook.cells[0].source.startswith(f"# {study.question}\n")
        assert f'format_answer(get_study("{name}"))' in code_cells(notebook)[-1].source
        assert 8 <= len(code_cells(notebook)) <= 14


@pytest.mark.parametrize("name", LESSONS)
def test_the_last_cell_warns_where_the_sample_is_not_what_the_study_used(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    last = code_cells(read_notebook(ROOT / f"notebooks/{name}.ipynb"))[-1].source
    answer = format_answer(get_study(name)) + "\n"
    for data, expected in (("sample", f"{SAMPLE_NOTE}\n\n{answer}"), ("fashion-mnist", answer)):
        exec(last, {"DATA": data})
        assert capsys.readouterr().out == expected


def execute(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the notebook on the sample, in a folder of its own."""
    notebook = read_notebook(path)
    assert sum(DATA in cell.source for cell in code_cells(notebook)) == 1
    for cell in code_cells(notebook):
        cell.source = cell.source.replace(DATA, 'DATA = "sample"')
    source = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", source)
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    client.execute()
    return notebook


def check_outputs(notebook: Any, num_figures: int, expected: Sequence[str]) -> str:
    """Check figures, printed text and warnings; return the printed text."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == num_figures
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    printed = "".join(output.text for output in outputs if output.get("name") == "stdout")
    for text in expected:
        assert text in printed, text
    return printed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in the kernel client's own code
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_quickstart_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = execute(ROOT / "notebooks/quickstart.ipynb", tmp_path, monkeypatch)
    assert len(code_cells(notebook)) == 12
    num_figures = 4  # samples, curves, confusion matrix, the worst mistakes
    check_outputs(notebook, num_figures, ["2,000 training", "% right (95 %", "Shirt"])
    shown = json.dumps(
        [cell.outputs for cell in code_cells(notebook)]
    )  # not all of it as plain text
    assert "Trainable params" in shown and "epoch 3/3" in shown
    (run,) = (tmp_path / "runs").iterdir()
    assert (run / "model.keras").is_file()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in the kernel client's own code
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_model_of_another_notebook_is_adopted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notebook itself asserts that Keras and Ankleboot find the same accuracy."""
    notebook = execute(ROOT / "notebooks/adopt.ipynb", tmp_path, monkeypatch)
    check_outputs(notebook, 1, ["by Ankleboot", "by Keras"])


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in the kernel client's own code
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_lesson_runs_and_ends_with_the_answer_of_its_study(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells compare results by hand with Keras by `assert`."""
    notebook = execute(ROOT / f"notebooks/{name}.ipynb", tmp_path, monkeypatch)
    printed = check_outputs(notebook, *LESSONS[name])
    assert printed.endswith(f"{SAMPLE_NOTE}\n\n{format_answer(get_study(name))}\n")
