"""`ankleboot predict --output` from the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from ankleboot.cli.main import run as ankleboot
from helpers.shards import png_images, write_parquet, write_tar


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the test, with the same five images in three ways."""
    monkeypatch.chdir(tmp_path)
    contents = png_images(5)
    (tmp_path / "images").mkdir()
    for number, content in enumerate(contents):
        Path(f"images/{number}.png").write_bytes(content)
    write_tar(Path("s.tar"), {f"{n}.png": content for n, content in enumerate(contents)})
    write_parquet(Path("t.parquet"), contents)
    return tmp_path


def test_folders_and_shards_go_into_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["predict", "images", "s.tar", "t.parquet", "--output", "out/r.parquet"]
    Path("out").mkdir()
    assert ankleboot([*arguments, "--parallel", "1"]) == 0
    captured = capsys.readouterr()
    rows = parquet.read_table("out/r.parquet").to_pylist()
    assert [row["path"] for row in rows] == [
        *(f"images/{n}.png" for n in range(5)),
        *(f"s.tar/{n}.png" for n in range(5)),
        *(f"t.parquet#{n}" for n in range(5)),
    ]
    labels = [row["label"] for row in rows]
    assert labels[:5] == labels[5:10] == labels[10:]
    out = captured.out.splitlines()
    assert out[0].split() == ["label", "images"]
    assert out[-1].startswith("out/r.parquet: 15 images, ")
    assert captured.err.splitlines()[0] == "0 of 15 images, on this machine, 1 process"
    assert ankleboot([*arguments, "--parallel", "1"]) == 2
    assert "out/r.parquet exists" in capsys.readouterr().err


def test_a_list_comes_through_standard_input_and_failures_set_the_exit_code(folder: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "ankleboot", "predict", "-", "--output", "r.parquet"],
        input=b"images/1.png\ngone.png\n" + os.fsencode("caf\udce9.png\n"),
        capture_output=True,
        cwd=folder,
    )
    assert finished.returncode == 3
    assert finished.stderr.splitlines()[-1] == b"error: 2 of 3 images could not be read"
    rows = parquet.read_table(folder / "r.parquet").to_pylist()
    assert [row["path"] for row in rows] == ["images/1.png", "gone.png", "caf\\udce9.png"]
    assert [row["error"] for row in rows] == [None, "no such file", "no such file"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--output", "r.csv"], "expected the name of a .parquet file"),
        (["--output", "r.parquet", "--json"], "--output excludes --json"),
        (["--output", "r.parquet", "--ensemble-with", "photo"], "--output takes one model"),
        (["--on", "ray"], "--on and --parallel go with --output"),
        (["--parallel", "2"], "--on and --parallel go with --output"),
        (["--output", "r.parquet", "--on", "mars"], "expected local, ray"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ankleboot(["predict", "images", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_shards_without_an_output_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert ankleboot(["predict", "s.tar"]) == 2
    assert capsys.readouterr().err.startswith("error: s.tar is no image: an archive")
