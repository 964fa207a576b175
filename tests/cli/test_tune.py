"""`ankleboot tune` from the command line; a killed search ends with all its trials."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ankleboot.cli.main import run as ankleboot

pytest.importorskip("optuna")
SETTINGS = ["blocks=1", "filters=2", "dense_units=0", "batch_size=200", "epochs=1"]
ARGUMENTS = [part for setting in SETTINGS for part in ("--set", setting)]
COMMAND = ["tune", "plain", "--data", "sample", *ARGUMENTS]


@pytest.mark.slow
def test_a_search_that_is_killed_ends_with_all_its_trials(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "found"
    command = [*COMMAND, "--budget", "6", "--output", str(folder)]
    with subprocess.Popen(
        [sys.executable, "-m", "ankleboot", *command], stderr=subprocess.DEVNULL
    ) as process:
        while not (folder / "optuna.db").exists():
            time.sleep(0.1)
        time.sleep(random.Random(0).uniform(5, 25))
        os.kill(process.pid, signal.SIGKILL)
    assert ankleboot([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    recipes = [json.dumps(trial["recipe"], sort_keys=True) for trial in document["trials"]]
    assert len(recipes) == len(set(recipes)) == 6
    assert {trial["state"] for trial in document["trials"]} <= {"complete", "pruned"}
    assert {path.name for path in folder.iterdir()} >= {"tune.html", "tune.json", "optuna.db"}
    assert json.loads((folder / "tune.json").read_text()) == document


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "soon"], "--budget soon: expected a number of trials"),
        (["--search", "learning"], "did you mean learning_rate?"),
        (["--objective", "speed"], "--objective speed: expected one of"),
        (["--set", "epochs"], "--set epochs: expected KEY=VALUE"),
        (["--on", "cloud"], "--on cloud: expected local, ray"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert ankleboot([*COMMAND, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and said in captured.err
