"""Each command from end to end, and how mistakes are told."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from ankleboot.cli.main import run as ankleboot
from ankleboot.core.extras import EXTRAS
from ankleboot.data.fashion_mnist import load as data
from ankleboot.data.fashion_mnist.sources import LocalFolder
from ankleboot.recipes.catalog import PURPOSES, RECIPES

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
TINY = ["blocks=1", "filters=4", "dense_units=16", "batch_size=100", "epochs=2"]
TINY_SETTINGS = [part for setting in TINY for part in ("--set", setting)]


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the sample, made by the command line."""
    folder = tmp_path_factory.mktemp("cli") / "run"
    arguments = ["train", "leaky", "--data", "sample", "--run-dir", str(folder), *TINY_SETTINGS]
    assert ankleboot(arguments) == 0
    return folder


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert ankleboot(list(arguments)) == 0
    return capsys.readouterr().out


def test_train_obeys_the_json_contract(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    arguments = ["train", "plain", "--data", "sample", "--run-dir", str(folder), "--seed", "4"]
    document = json.loads(output_of(capsys, *arguments, *TINY_SETTINGS, "--json"))
    assert {"run_dir", "recipe", "seed", "parameters", "epochs", "train_seconds"} < document.keys()
    assert document["train"].keys() == document["validation"].keys() == {"accuracy", "loss"}
    assert (document["recipe"], document["seed"], document["epochs"]) == ("plain", 4, 2)
    assert document["run_dir"] == str(folder)
    assert all((folder / name).is_file() for name in ("curves.png", "samples.png", "verdict.json"))


def test_evaluate_obeys_the_json_contract(
    capsys: pytest.CaptureFixture[str], sample_run: Path
) -> None:
    document = json.loads(
        output_of(capsys, "evaluate", str(sample_run), "--split", "test", "--json")
    )
    assert {
        "model",
        "split",
        "num_examples",
        "accuracy",
        "accuracy_ci95",
        "top2_accuracy",
        "loss",
        "brier",
        "ece",
        "per_class",
        "confusion_matrix",
        "test_reads",
    } <= document.keys()
    assert document["num_examples"] == sum(map(sum, document["confusion_matrix"])) == 500
    assert [row["label"] for row in document["per_class"]][9] == "Ankle boot"
    assert document["per_class"][0].keys() == {"label", "precision", "recall", "f1", "support"}
    low, high = document["accuracy_ci95"]
    assert 0 <= low < document["accuracy"] < high <= 1
    assert json.loads((sample_run / "evaluation-test.json").read_text()) == document
    assert (sample_run / "confusion-test.png").stat().st_size > 20_000
    again = json.loads(output_of(capsys, "evaluate", str(sample_run), "--split", "test", "--json"))
    assert again["test_reads"] == document["test_reads"] + 1


def test_evaluate_agrees_with_what_training_reported(
    capsys: pytest.CaptureFixture[str], sample_run: Path
) -> None:
    document = json.loads(output_of(capsys, "evaluate", str(sample_run), "--json"))
    reported = json.loads((sample_run / "result.json").read_text())["validation"]
    assert (document["split"], document["num_examples"]) == ("validation", 400)
    assert document["accuracy"] == pytest.approx(reported["accuracy"])


def test_evaluate_takes_a_model_file_and_a_folder_for_its_output(
    capsys: pytest.CaptureFixture[str], sample_run: Path, tmp_path: Path
) -> None:
    text = output_of(
        capsys, "evaluate", str(sample_run / "best.keras"), "-v", "--output", str(tmp_path / "out")
    )
    assert "of 400 validation images of sample correct (95 % interval" in text
    assert "Ankle boot" in text and str(tmp_path / "out" / "confusion-validation.png") in text
    assert "\x1b" not in text


def test_train_tells_people_what_happened(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", "leaky", "--data", "sample", *TINY_SETTINGS]
    assert ankleboot(command) == 0
    captured = capsys.readouterr()
    assert "epoch 2/2" in captured.err and "block1_conv1" not in captured.err
    assert "1,600 training and 400 validation images" in captured.err
    assert "next: ankleboot evaluate runs/leaky-seed0-001" in captured.out.splitlines()
    assert "validation" in captured.out and "\x1b" not in captured.out + captured.err
    assert ankleboot([*command, "-v"]) == 0
    captured = capsys.readouterr()
    assert "block1_conv1" in captured.err and "(loss " in captured.err
    assert "runs/leaky-seed0-002/model.keras" in captured.out


def test_recipes_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"plain", "leaky"} <= set(output_of(capsys, "recipes").split())
    assert "negative_slope" in output_of(capsys, "recipes", "leaky")
    assert PURPOSES.keys() == RECIPES.keys()
    listed = output_of(capsys, "recipes").splitlines()
    assert all(any(text in line for line in listed) for text in PURPOSES.values())
    documents = json.loads(output_of(capsys, "recipes", "--json"))
    assert [document["purpose"] for document in documents] == [*PURPOSES.values()]
    names = (
        "sprint steady strong champion pocket cnn10k cnn50k cnn100k simulated plain leaky transfer "
        "small tiny"
    ).split()
    assert [document["name"] for document in documents] == names
    assert documents[names.index("leaky")]["epochs"] == 20


def test_data_verify_obeys_the_json_contract(capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(output_of(capsys, "data", "verify", "--data", "sample", "--json"))
    assert (document["train"], document["test"], document["ok"]) == (2_000, 500, True)
    assert "source" in document and len(document["sha256"]) == 4
    assert "2,000 training and 500 test" in output_of(capsys, "data", "verify", "--data", "sample")


def test_data_fetch_fills_the_cache(
    capsys: pytest.CaptureFixture[str], isolated_cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "FASHION_MNIST", data.SAMPLE)
    monkeypatch.setattr(data, "all_sources", lambda cleanup: [LocalFolder(data.SAMPLE_FOLDER)])
    document = json.loads(output_of(capsys, "data", "fetch", "--json"))
    assert [Path(file).parent for file in document["files"]] == [isolated_cache_dir] * 4
    assert "every file verified; from " in output_of(capsys, "data", "fetch")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["trian"], 2, "No such command 'trian' (did you mean train?)."),
        (["eval"], 2, "No such command 'eval' (did you mean evaluate?)."),
        (["data", "verfy"], 2, "did you mean verify?"),
        (["frobnicate"], 2, "No such command 'frobnicate'. (see ankleboot --help)"),
        (["train"], 2, "name a recipe"),
        (["train", "leakey"], 2, "did you mean leaky?"),
        (["train", "leaky", "--set", "epoch=1"], 2, "did you mean epochs?"),
        (["train", "leaky", "--set", "zzz=1"], 2, "'zzz'; ankleboot recipes RECIPE lists the "),
        (["train", "leaky", "--set", "epochs=-1"], 2, "epochs: expected a whole number"),
        (["train", "leaky", "--set", "epochs"], 2, "expected KEY=VALUE"),
        (["train", "leaky", "--seed", "1", "--set", "seed=2"], 2, "seed is set twice"),
        (["train", "leaky", "--seed", "x"], 2, "'x' is not a valid integer"),
        (["train", "leaky", "--frobnicate"], 2, "No such option"),
        (["train", "leaky", "--data", "nowhere"], 2, "expected fashion-mnist, sample"),
        (["train", "--resume", "nowhere"], 4, "nowhere: not a run folder"),
        (["train", "--resume", "x", "--run-dir", "y"], 2, "leave --run-dir out"),
        (["evaluate"], 2, "Missing argument 'MODEL': a run folder, a model file, or a shipped "),
        (["adopt"], 2, "Missing argument 'MODEL': a model file of another tool (see"),
        (["predict"], 2, "Missing argument 'PATH...': an image file, a folder of them, or -"),
        (["export", "pretrained"], 2, "Missing option '--format': litert, litert-fp16, "),
        (["evaluate", "nowhere.keras"], 4, "no such model file"),
        (["evaluate", "x", "--split", "train"], 2, "not one of 'validation', 'held-out', 'test'"),
        (["recipes", "nothing"], 2, "valid: sprint, steady, strong, champion, pocket, cnn10k"),
        (["data", "verify", "--data", "nowhere"], 2, "nowhere"),
        (["serve", "runs/mine"], 2, "A model is named like this: --model MODEL (see"),
        (["train", "leaky", "more"], 2, "unexpected extra argument (more) (see"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    assert ankleboot(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith("error: ") and said in captured.err


def test_a_resume_that_changes_the_recipe_is_refused_field_by_field(
    capsys: pytest.CaptureFixture[str], sample_run: Path
) -> None:
    arguments = ["train", "plain", "--resume", str(sample_run), "--set", "epochs=9"]
    assert ankleboot(arguments) == 4
    error = capsys.readouterr().err
    assert "name was leaky and is plain" in error and "epochs was 2 and is 9" in error


def test_a_complete_run_is_reported_again(
    capsys: pytest.CaptureFixture[str], sample_run: Path
) -> None:
    text = output_of(capsys, "train", "leaky", "--resume", str(sample_run), "--json")
    assert json.loads(text)["epochs"] == 2


def test_a_missing_extra_is_named() -> None:
    code = """
import sys
sys.modules["tensorflow"] = None  # as if it were not installed
from ankleboot.cli.main import run
sys.exit(run(["train", "leaky", "--data", "sample"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 5
    assert done.stderr == "error: this needs tensorflow: pip install 'ankleboot[train]'\n"


def test_the_extra_that_is_named_brings_the_module() -> None:
    extras = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"]
    providers = metadata.packages_distributions()
    for extra, modules in EXTRAS.items():
        required = {
            re.split(r"[^\w.-]", line)[0].lower().replace("_", "-") for line in extras[extra]
        }
        for module in modules.split():
            names = {name.lower().replace("_", "-") for name in providers[module]}
            assert names & required, f"{extra} does not name the package of {module}"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ankleboot", *arguments]


def test_options_about_the_data_stand_apart(capsys: pytest.CaptureFixture[str]) -> None:
    own, about_data = output_of(capsys, "evaluate", "--help").split("Options for the data:")
    assert "MODEL" not in {line.strip() for line in own.splitlines()}  # an argument, no option
    assert "--split" in own and "--data" not in own.partition("Options:")[2]
    assert all(f"  {name} " in about_data for name in ("--data", "--skip-bad", "--groups"))


def test_help_is_quick_and_loads_no_tensorflow() -> None:
    started = time.perf_counter()
    done = subprocess.run(command("--help"), capture_output=True, text=True, check=True)
    assert time.perf_counter() - started < 2  # 0.2 s on an idle machine
    assert "Exit codes" in done.stdout
    assert "\n    ankleboot predict PHOTO    label a photo\n" in done.stdout
    code = "import sys, ankleboot.cli.main as c; c.run(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "numpy", "rich"} & set(done.stdout.split())


@pytest.mark.parametrize("arguments", [["recipes", "leaky"], ["recipes", "--json"], ["--help"]])
def test_a_reader_that_leaves_early_causes_no_traceback(arguments: list[str]) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)  # gone before the first byte
    done = subprocess.run(command(*arguments), stdout=write_end, stderr=subprocess.PIPE, text=True)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux only")
def test_a_full_disk_behind_the_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(command("recipes"), stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 5
    assert done.stderr == "error: disk full while writing the output\n"


def test_a_closed_output_is_no_error() -> None:
    line = f"{' '.join(command('recipes'))} >&-"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "environment", [{"COLUMNS": "20"}, {"TERM": "dumb"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}]
)
def test_odd_terminals_are_served(environment: dict[str, str]) -> None:
    done = subprocess.run(
        command("recipes"), capture_output=True, text=True, env=os.environ | environment
    )
    assert done.returncode == 0 and "leaky" in done.stdout and "\x1b" not in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_signal_stops_a_command_that_prints_nothing_of_tensorflow(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    arguments = command("train", "plain", "--data", "sample", "--run-dir", str(folder))
    process = subprocess.Popen(
        [*arguments, "--set", "epochs=10000", "--set", "filters=4"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while not (folder / "checkpoint.npz").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - started < 20  # 1 s on an idle machine
    assert process.returncode == 143 and out == ""
    assert err.splitlines()[-1].startswith("error: stopped ")
    assert f"--resume {folder}" in err.splitlines()[-1]
    assert "1/10000" in err and "oneDNN" not in err and "absl" not in err
