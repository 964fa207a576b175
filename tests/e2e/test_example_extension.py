"""The example extension works as its README states, without a change to Ankleboot."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.data.export_images import export_images
from ankleboot.data.load import load_data

ROOT = Path(__file__).parents[2]

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def ankleboot(tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Run `ankleboot` in a process that finds the installed extension."""
    target, folder = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("work")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation"]
    source = str(ROOT / "examples/ankleboot_extras")
    subprocess.run([*install, "--quiet", "--target", str(target), source], check=True)
    environment = os.environ | {
        "PYTHONPATH": str(target),
        "XDG_STATE_HOME": str(folder / "state"),
    }

    def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ankleboot", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=folder, env=environment, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


def test_an_architecture_and_a_data_set_from_outside_are_trained_and_evaluated(
    ankleboot: Command,
) -> None:
    options = ["--set", "architecture=separable", "--set", "model.width=4", "--set", "epochs=1"]
    ankleboot("train", "leaky", *options, "--data", "stripes", "--run-dir", "run")
    refused = ankleboot("evaluate", "run", "--json", check=False)
    assert refused.returncode == 4 and "--trust" in refused.stderr
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
    refused = ankleboot("predict", images, "--model", exported["path"], check=False)
    assert refused.returncode == 4 and "--trust" in refused.stderr
    lines = ankleboot("predict", images, "--model", exported["path"], "--trust", "--json").stdout
    reference = ankleboot("predict", images, "--model", "dense", "--json").stdout
    for line, expected in zip(lines.splitlines(), reference.splitlines(), strict=True):
        probs, expected_probs = json.loads(line)["probs"], json.loads(expected)["probs"]
        np.testing.assert_allclose(list(probs.values()), list(expected_probs.values()), atol=1e-5)
