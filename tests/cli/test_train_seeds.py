"""`train --seeds` from the command line, in this process and side by side."""

import json
from pathlib import Path

import pytest

from ankleboot.cli.main import run as ankleboot
from ankleboot.models.run import Run

SETTINGS = ["blocks=1", "filters=4", "dense_units=0", "batch_size=200", "epochs=1"]
ARGUMENTS = [part for setting in SETTINGS for part in ("--set", setting)]
COMMAND = ["train", "plain", "--data", "sample", *ARGUMENTS, "--seed", "3"]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_two_seeds_one_after_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert ankleboot([*COMMAND, "--seeds", "2", "--parallel", "1", "-v"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["seed", "3", "4", "mean"]
    assert "on average over 2 seeds" in lines[4]
    assert lines[5:] == ["runs/plain-seeds3to4-001/seeds.json"]
    assert captured.err.count("block1_conv1 ") == 1  # the network, shown once


@pytest.mark.slow
def test_two_seeds_side_by_side_and_continued(capsys: pytest.CaptureFixture[str]) -> None:
    """Processes of their own, each with a thread: the same bits one at a time and two at once."""
    threads = ["--seeds", "2", "--cores", "1"]
    assert ankleboot([*COMMAND, *threads, "--parallel", "2", "--run-dir", "both", "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert [score["seed"] for score in document["seeds"]] == [3, 4]
    assert "2 trainings on this machine, 2 at once, 1 thread each" in captured.err
    assert ankleboot([*COMMAND, *threads, "--parallel", "2", "--run-dir", "both"]) == 0
    assert "trainings on this machine" not in capsys.readouterr().err
    assert ankleboot([*COMMAND, *threads, "--parallel", "1", "--run-dir", "one"]) == 0
    hashes = [
        [Run(Path(folder) / f"seed-{seed}").result()["weights_sha256"] for seed in (3, 4)]
        for folder in ("both", "one")
    ]
    assert hashes[0] == hashes[1] and hashes[0][0] != hashes[0][1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--seeds", "2", "--folds", "2"], 2, "--folds and --seeds do not go together"),
        (["--seeds", "1"], 2, "seeds: expected 2 to 1,000, got 1"),
        (["--seeds", "2", "--resume", "x"], 2, "--seeds continues by the same command"),
        (["--seeds", "2", "--from", "x"], 2, "--from goes with one training"),
        (["--parallel", "2"], 2, "--on, --cores and --parallel go with --folds and --seeds"),
        (["--seeds", "2", "--on", "cloud"], 2, "--on cloud: expected local, ray, or the address"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert ankleboot([*COMMAND, *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and said in captured.err
