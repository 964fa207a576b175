"""`train --folds` from the folder of images to the table, and what is refused beside it."""

import json
from pathlib import Path

import pytest

from ankleboot.cli.main import run as ankleboot
from helpers.images import write_image_folder

SETTINGS = ["blocks=1", "filters=4", "dense_units=0", "batch_size=10", "epochs=2", "crop=none"]
SETTINGS += ["image_size=32", "color=true", "optimizer=muon"]
ARGUMENTS = [part for setting in SETTINGS for part in ("--set", setting)]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of twelve images by four photographers, who all took both."""
    folder = tmp_path_factory.mktemp("own")
    write_image_folder(folder / "pets", {"cat": 12, "dog": 12})
    files = sorted((folder / "pets").rglob("*.png"))
    rows = [f"{path.relative_to(folder / 'pets')},p{int(path.stem) // 3}" for path in files]
    (folder / "groups.csv").write_text("\n".join(["path,group", *rows]))
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def train(images: Path, *arguments: str) -> int:
    data = ["--data", str(images / "pets"), "--groups", str(images / "groups.csv")]
    options = [*data, *ARGUMENTS, "--parallel", "1"]  # in this process
    return ankleboot(["train", "plain", *options, *arguments])


def test_two_folds_of_photographers_from_the_command_line(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`plain` takes the last images for validation: split_seed has an effect by the folds alone."""
    assert train(images, "--folds", "2", "--set", "split_seed=1", "-v") == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    folder = Path("runs/plain-seed0-folds2-001")
    assert [line.split()[:2] for line in lines[:4]] == [
        ["fold", "images"],
        ["1", "12"],
        ["2", "12"],
        ["all", "24"],
    ]
    assert "24 images of pets/ that the model of the fold has not seen" in lines[4]
    assert "%, over 4 groups)" in lines[4]
    assert lines[5:] == [f"{folder}/cross_validation.json", f"{folder}/predictions.csv"]
    assert captured.err.count("block1_conv1 ") == 1  # the network, shown once
    assert "fold 2 of 2: 12 held-out" in captured.err

    again = ["--folds", "2", "--set", "split_seed=1", "--run-dir", str(folder), "--json"]
    assert train(images, *again) == 0
    captured = capsys.readouterr()
    assert "epoch" not in captured.err  # nothing is trained again
    document = json.loads(captured.out)
    assert document["run_dir"] == str(folder) and document["num_groups"] == 4

    assert ankleboot(["evaluate", str(folder / "fold-2"), "--json"]) == 0
    judged = json.loads(capsys.readouterr().out)
    assert judged["split"] == "held-out"
    assert judged["accuracy"] == document["folds"][1]["accuracy"]
    assert not (folder / "fold-2/test_reads.json").exists()

    assert ankleboot(["evaluate", str(folder)]) == 4
    assert "a cross-validation; name one of its runs, such as" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--folds", "1"], 2, "folds: expected 2 or more with fold=1, got 1"),
        (["--folds", "2", "--set", "folds=2"], 2, "--set folds is refused beside --folds"),
        (["--folds", "2", "--from", "run"], 2, "--from is refused beside --folds"),
        (["--folds", "2", "--resume", "run"], 2, "continues by the same command with --run-dir"),
        (["--folds", "13"], 3, "12 training images of cat are too few for 13 folds"),
        (["--folds", "5"], 3, "4 groups are too few for 5 folds"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: list[str],
    code: int,
    message: str,
    images: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert train(images, *arguments) == code
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and message in last
    assert not Path("runs").exists()
