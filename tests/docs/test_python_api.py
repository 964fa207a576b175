"""The examples of the page about the Python API run, and each public name has one."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ankleboot

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/python_api.md").read_text()
LIGHT = ("Data and recipes", "Prediction")
"""Sections whose examples need no training."""


def code_of(part: str) -> str:
    return "\n".join(re.findall(r"^```python\n(.*?)^```", part, re.MULTILINE | re.DOTALL))


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_public_name_has_an_example() -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(code_of(PAGE)))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ankleboot"
    }
    assert used == set(ankleboot.__all__)


def run(code: str, folder: Path) -> str:
    """Run code in a process of its own, as its reader does, beside the files that it needs."""
    shutil.copyfile(ROOT / "docs/images/pullover.jpg", folder / "boot.jpg")
    (folder / "photos").mkdir()
    shutil.copyfile(folder / "boot.jpg", folder / "photos/1.jpg")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_examples_without_training_run(tmp_path: Path) -> None:
    start = 'import ankleboot\ndata = ankleboot.load_data("sample")\n'
    codes = [code_of(section(title)) for title in LIGHT]
    assert all(codes)
    check = '\nimport sys\nassert not {"tensorflow", "keras"} & {*sys.modules}\n'
    out = run("\n".join([start, *codes, check]), tmp_path)
    for text in ("Dress", "sprint", "epochs: expected a whole number", "Pullover", "no such file"):
        assert text in out, text


@pytest.mark.slow
def test_all_examples_run_in_their_order(tmp_path: Path) -> None:
    model = [sys.executable, str(ROOT / "tests/docs/tutorial_model.py"), "mine.keras"]
    subprocess.run(model, cwd=tmp_path, check=True, capture_output=True)
    out = run(code_of(PAGE), tmp_path)
    assert "is better than" in out or "no difference" in out
    for made in ("results.parquet", "explanation.png", "report.html", "first.tflite"):
        assert (tmp_path / made).is_file(), made
