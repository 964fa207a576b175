"""Results in a pipe: nothing is padded, and every row has all its cells."""

import re
import shlex
from pathlib import Path

import pytest

from ankleboot.cli.main import run as ankleboot
from ankleboot.cli.output.terminal import plain_table, right_column, stdout_console
from ankleboot.recipes.catalog import RECIPES
from helpers.images import write_image_folder
from helpers.run_folders import write_run

pytestmark = pytest.mark.usefixtures("isolated_cache_dir", "isolated_state_dir")

PADDING = re.compile(r"(?<=\S) {3,}| $")
COMMANDS = (
    "recipes",
    *(f"recipes {name}" for name in RECIPES),
    "study",
    "runs list",
    "runs list --columns all",
    "runs show runs/a",
    "runs diff runs/a runs/b",
    "runs leaderboard",
    "data verify --data sample",
    "data verify --data photos",
    "evaluate pocket --data sample --split test --verbose",
    "predict photos",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs whose names differ in length, and with a folder of images."""
    path = tmp_path_factory.mktemp("pipes")
    write_run(path / "runs/a", accuracy=0.91, seed=1)
    write_run(path / f"runs/{'b' * 60}", accuracy=0.93, seed=2)
    write_run(path / "runs/b", "leaky", accuracy=0.8)
    write_image_folder(path / "photos", {"a": 6, "a class with a long name, or so": 6})
    return path


@pytest.mark.parametrize("line", COMMANDS)
def test_no_line_is_padded(
    line: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert ankleboot(shlex.split(line)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines and [text for text in lines if PADDING.search(text)] == []


def test_every_row_of_a_table_has_all_its_cells(capsys: pytest.CaptureFixture[str]) -> None:
    table = plain_table("name", right_column("seconds"), "note", title="All of them")
    table.add_row("a", "1", "")
    table.add_row("a very long name with [brackets]", "", "two\nlines")
    stdout_console().table(table)
    assert capsys.readouterr().out.splitlines() == [
        "All of them",
        "name  seconds  note",
        "a  1  -",
        "a very long name with [brackets]  -  two\\nlines",
    ]
