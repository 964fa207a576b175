"""`ankleboot runs` from the command line: every command, every form of a table, every mistake."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from ankleboot.cli.main import run as ankleboot
from helpers.run_folders import write_run
from helpers.terminal import make_terminal

pytestmark = pytest.mark.usefixtures("isolated_cache_dir", "isolated_state_dir")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three runs in runs/, which is the current one."""
    monkeypatch.chdir(tmp_path)
    write_run(Path("runs/a"), accuracy=0.91, seed=1)
    write_run(Path("runs/b"), accuracy=0.93, seed=2)
    entry = {"parent": {"run": str(tmp_path / "runs/a"), "model_sha256": "a" * 64}}
    write_run(Path("runs/c"), "leaky", accuracy=0.8, manifest=entry)
    return tmp_path / "runs"


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert ankleboot(["runs", *arguments]) == 0
    return capsys.readouterr().out


def test_runs_are_listed_filtered_and_sorted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output_of(capsys).splitlines()
    assert lines[0].split()[:2] == ["run", "recipe"]
    assert [line.split()[0] for line in lines[1:]] == ["runs/a", "runs/b", "runs/c"]
    assert "91.00 %" in lines[1]
    arguments = ["list", "--where", "recipe=sprint", "--sort", "-validation_accuracy"]
    assert ankleboot(["runs", *arguments]) == 0
    captured = capsys.readouterr()
    assert [line.split()[0] for line in captured.out.splitlines()] == ["run", "runs/b", "runs/a"]
    assert captured.err == "2 of 3 runs\n"


def test_one_run_is_singular(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ankleboot(["runs", "list", "--where", "seed=2"]) == 0
    assert capsys.readouterr().err == "1 of 3 runs\n"
    for name in ("b", "c"):
        shutil.rmtree(folder / name)
    assert ankleboot(["runs"]) == 0
    assert capsys.readouterr().err == "1 run\n"


def test_the_json_document_has_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(output_of(capsys, "list", "runs", "--where", "seed=2", "--json"))
    assert (document["folder"], document["num_runs"]) == ("runs", 3)
    (row,) = document["runs"]
    assert (row["run"], row["learning_rate"], row["validation_accuracy"]) == ("runs/b", 0.07, 0.93)


def test_chosen_columns_stay_if_they_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = output_of(capsys, "list", "--columns", "run,learning_rate")
    assert chosen.splitlines()[0].split() == ["run", "learning_rate"]
    assert output_of(capsys).splitlines()[0].split() != ["run", "learning_rate"]
    output_of(capsys, "list", "--columns", "run,learning_rate", "--keep-columns")
    same_folder = output_of(capsys, "list", str(Path("runs").resolve()))
    assert same_folder.splitlines()[0].split() == ["run", "learning_rate"]
    assert output_of(capsys).splitlines()[0].split() == ["run", "learning_rate"]
    everything = output_of(capsys, "list", "--columns", "all").splitlines()[0].split()
    assert "parent" in everything and "error" not in everything


def test_csv_has_all_digits_and_other_forms_are_for_papers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["list", "--columns", "run,recipe,validation_accuracy", "--where", "seed=1"]
    rows = list(csv.reader(io.StringIO(output_of(capsys, *arguments, "--format", "csv"))))
    assert rows == [["run", "recipe", "validation_accuracy"], ["runs/a", "sprint", "0.91"]]
    assert output_of(capsys, *arguments, "--format", "markdown").splitlines() == [
        "| run | recipe | validation_accuracy |",
        "| --- | --- | --- |",
        "| runs/a | sprint | 91.00 % |",
    ]
    assert output_of(capsys, *arguments, "--format", "latex").splitlines() == [
        r"\begin{tabular}{lll}",
        r"\toprule",
        r"run & recipe & validation\_accuracy \\",
        r"\midrule",
        r"runs/a & sprint & 91.00 \% \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_columns_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    text = output_of(capsys, "list", "--list-columns")
    assert "validation_accuracy" in text and "Number of blocks." in text


def test_a_run_is_shown_with_what_refers_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    text = output_of(capsys, "show", "runs/a")
    assert "referred_to_by" in text and "started from it" in text
    document = json.loads(output_of(capsys, "show", "runs/a", "--json"))
    assert document["bytes"] > 0 and len(document["referred_to_by"]) == 1


def test_differences_are_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(output_of(capsys, "diff", "runs/a", "runs/b", "--json"))
    assert document == {
        "run": ["runs/a", "runs/b"],
        "validation_accuracy": [0.91, 0.93],
        "seed": [1, 2],
    }
    lines = output_of(capsys, "diff", "runs/a", "runs/b").splitlines()
    assert [line.split()[0] for line in lines] == ["run", "validation_accuracy", "seed"]


def test_the_leaderboard_ranks_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = output_of(capsys, "leaderboard").splitlines()
    assert lines[1].split()[:5] == ["92.00", "%", "1.41", "%", "79.29"]
    assert lines[1].split()[-1] == "sprint" and lines[2].split()[-1] == "leaky"
    first, second = json.loads(output_of(capsys, "leaderboard", "--json"))
    assert (first["n"], second["std"]) == (2, None)


def test_pruning_asks_for_a_condition_and_for_leave(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert ankleboot(["runs", "prune"]) == 2
    assert "choose runs with --where" in capsys.readouterr().err
    assert ankleboot(["runs", "prune", "--where", "recipe=sprint"]) == 2
    captured = capsys.readouterr()
    assert "no terminal to ask on" in captured.err and "to remove: runs/b" in captured.out
    assert (folder / "b").exists()
    plan = output_of(capsys, "prune", "--where", "recipe=sprint", "--dry-run")
    assert "stays: runs/a (runs/c started from it)" in plan and (folder / "b").exists()
    text = output_of(capsys, "prune", "--where", "recipe=sprint", "--yes", "--json")
    document = json.loads(text)
    assert document["removed"] and document["folders"] == ["runs/b"]
    assert sorted(path.name for path in folder.iterdir()) == ["a", "c"]
    assert "0 folders" in output_of(capsys, "prune", "--where", "recipe=none", "--yes")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["list", "nowhere"], 2, "nowhere: no such folder"),
        (["list", "--where", "x"], 2, "expected COLUMN, one of"),
        (["list", "--columns", "rum"], 2, "did you mean run?"),
        (["list", "--sort", "rum"], 2, "did you mean run?"),
        (["list", "--keep-columns"], 2, "--keep-columns goes with --columns"),
        (["show", "nowhere"], 4, "nowhere: not a run folder"),
        (["diff", "runs/a"], 2, "name two or more runs"),
        (["diff", "runs/a", "nowhere"], 4, "nowhere: not a run folder"),
        (["leaderboard", "--metric", "recipe"], 2, "expected a column with numbers"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert ankleboot(["runs", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and said in captured.err


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_gets_whole_columns_and_the_names_of_the_others(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = make_terminal(monkeypatch, width)
    assert ankleboot(["runs", "list", "runs"]) == 0
    assert len(stream.lines) == 4 and max(map(len, stream.lines)) <= width
    hidden = capsys.readouterr().err.partition("too wide for this terminal: ")[2]
    assert stream.lines[0].startswith("run ")
    assert ("changes" in stream.lines[0]) != ("changes" in hidden)
