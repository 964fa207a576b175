"""The example extension works as its README states, without a change to Ankleboot."""

import contextlib
import importlib
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ankleboot.cli.main import run
from ankleboot.core import plugins
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data.export_images import export_images
from ankleboot.data.load import load_data

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Output:
    """Exit code and output of a command."""

    code: int
    stdout: str
    stderr: str


Command = Callable[..., Output]


@pytest.fixture(scope="module")
def ankleboot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """Run `ankleboot` with the installed extension, in a folder of its own."""
    target, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("work")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    source = str(ROOT / "examples/ankleboot_extras")
    subprocess.run([*install, "--quiet", "--target", str(target), source], check=True)

    def run_command(*arguments: str, expected: int = 0) -> Output:
        out, err = io.StringIO(), io.StringIO()
        redirected = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
        with contextlib.chdir(folder), redirected[0], redirected[1]:
            code = run(list(arguments))
        assert code == expected, err.getvalue()
        return Output(code, out.getvalue(), err.getvalue())

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.syspath_prepend(target)
        _forget_entry_points()
        yield run_command
    _forget_entry_points()


def _forget_entry_points() -> None:
    """Make the next look-up see the packages that are installed now."""
    importlib.invalidate_caches()
    plugins._installed.cache_clear()
    plugins._entry_points.cache_clear()


def test_an_architecture_and_a_data_set_from_outside_are_trained_and_evaluated(
    ankleboot: Command,
) -> None:
    options = ["--set", "architecture=separable", "--set", "model.width=4", "--set", "epochs=1"]
    ankleboot("train", "leaky", *options, "--data", "stripes", "--run-dir", "run")
    assert "--trust" in ankleboot("evaluate", "run", "--json", expected=4).stderr
    evaluation = json.loads(ankleboot("evaluate", "run", "--json", "--trust").stdout)
    assert evaluation["data"] == "stripes" and evaluation["num_examples"] == 120
    assert {scores["label"] for scores in evaluation["per_class"]} == {"horizontal", "vertical"}


def test_a_format_from_outside_is_exported_and_predicted(
    ankleboot: Command, tmp_path: Path
) -> None:
    options = ["--set", "architecture=mlp", "--set", "epochs=1"]
    ankleboot("train", "plain", *options, "--data", "sample", "--run-dir", "dense")
    exported = json.loads(ankleboot("export", "dense", "--format", "npz", "--json").stdout)
    assert exported["path"] == "dense/exports/npz" and exported["parity"]["top1_agreement"] == 1
    export_images(load_data("sample").test, CLASS_NAMES, tmp_path / "images", 10)
    images = str(tmp_path / "images")
    assert "--trust" in ankleboot("predict", images, "--model", exported["path"], expected=4).stderr
    lines = ankleboot("predict", images, "--model", exported["path"], "--trust", "--json").stdout
    reference = ankleboot("predict", images, "--model", "dense", "--json").stdout
    for line, expected in zip(lines.splitlines(), reference.splitlines(), strict=True):
        probs, expected_probs = json.loads(line)["probs"], json.loads(expected)["probs"]
        np.testing.assert_allclose(list(probs.values()), list(expected_probs.values()), atol=1e-5)
