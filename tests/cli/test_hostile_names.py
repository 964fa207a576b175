"""Names from outside: every command with names that try to leave their place.

stdout and stderr hold neither a control character nor rich's markup, spreadsheets see no formula,
and no page has an element that was made from a name.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
from PIL import Image

from ankleboot.cli.main import cli
from ankleboot.cli.main import run as ankleboot
from ankleboot.core.files import write_json
from ankleboot.models.run import Run
from helpers.hostile import (
    ELEMENT,
    FILE_NAMES,
    FORMULA,
    NAMES,
    TITLE,
    check_csv,
    check_files,
    check_text,
)

pytestmark = [
    pytest.mark.usefixtures("isolated_cache_dir", "isolated_state_dir"),
    pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse these names"),
]

CLASSES = (f"{TITLE}[red]", FORMULA, f"{ELEMENT}{{{{7*7}}}}", "a\u202eb\nc $\\frac{$ _", "_hidden")
SETTINGS = ("blocks=1", "filters=4", "dense_units=16", "batch_size=16", "epochs=1")


def leaf_commands(command: click.Command = cli, *path: str) -> Iterator[tuple[str, ...]]:
    """Return the names of every command that does something."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from leaf_commands(found, *path, name)


def command_of(path: tuple[str, ...]) -> click.Command:
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


def run_clean(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command, and check what it prints."""
    capsys.readouterr()
    code = ankleboot(list(arguments))
    printed = capsys.readouterr()
    for text in printed:
        check_text(text, arguments)
    return code, printed.out, printed.err


COMMANDS = sorted(leaf_commands())
DEFAULTS = {"model", "models", "data_name", "data_choice", "name", "photos", "folder", "run"}
"""Options that name what a command works on: a hostile value stops it before it starts."""


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_name_that_does_not_exist_is_refused_in_one_clean_line(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = command_of(path).params
    needed = [p for p in parameters if isinstance(p, click.Argument)]
    options = [p for p in parameters if isinstance(p, click.Option) and not p.is_flag]
    naming = [p for p in options if p.name in DEFAULTS or p.required]
    typed = [p for p in options if not isinstance(p.type, click.Path | click.types.StringParamType)]
    for name in NAMES[:2] if path[0] == "bench" else NAMES:  # seconds each
        subject = [part for option in naming for part in (option.opts[0], f"{name}.x")]
        subject += ["--", *[f"{name}.x" for p in needed for _ in range(1 + (p.nargs != 1))]]
        if needed or naming:
            code, out, err = run_clean(capsys, *path, *subject)
            assert code in (2, 3, 4, 5) and not out, (path, name, code)
            assert len(err) < 2_500_000 and "Traceback" not in err
        for option in typed:
            code, out, err = run_clean(capsys, *path, option.opts[0], name, *subject)
            assert code == 2 and not out and len(err.splitlines()) == 1


def test_unknown_commands_and_options_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    for name in NAMES:
        if name:
            for arguments in ([name], [f"--{name}"], ["train", f"--{name}"], ["runs", name]):
                assert run_clean(capsys, *arguments)[0] in (2, 3, 4, 5)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, two runs and a model file, all with hostile names."""
    root = tmp_path_factory.mktemp("hostile") / f"{TITLE}{ELEMENT}[red]"
    generator = np.random.default_rng(0)
    for label, name in enumerate(CLASSES):
        (root / "data" / name).mkdir(parents=True)
        for number in range(12):
            pixels = generator.integers(0, 60, (28, 28), dtype=np.uint8)
            pixels[5 * label : 5 * label + 4] = 230
            stem = FILE_NAMES[number] if number < len(FILE_NAMES) else str(number)
            Image.fromarray(pixels).save(root / "data" / name / f"{stem}.png", "PNG")
    (root / "data" / CLASSES[0] / f"{TITLE}bad.png").write_bytes(b"nothing")
    return root


@pytest.fixture(scope="module")
def runs(place: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANKLEBOOT_CACHE", str(cache))
        first, second = (place / "runs" / name for name in (f"{TITLE}1", f"{FORMULA}{ELEMENT}"))
        settings = [part for setting in SETTINGS for part in ("--set", setting)]
        data = ["--data", str(place / "data"), "--skip-bad"]
        assert ankleboot(["train", "plain", *data, "--run-dir", str(first), *settings]) == 0
    shutil.copytree(first, second)
    manifest = json.loads((second / "manifest.json").read_text())
    for key in ("created", "data_source", "arithmetic"):
        manifest[key] = f"{TITLE}{FORMULA}{ELEMENT}[red]\n"
    write_json(second / "manifest.json", manifest)
    return first, second


def test_training_on_hostile_names_prints_and_writes_them_escaped(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    arguments = ["train", "plain", "--data", str(place / "data"), "--skip-bad", *settings]
    for form in ((), ("--json",)):
        folder = place / f"{ELEMENT}{len(form)}[bold]"
        code, out, err = run_clean(capsys, *arguments, "--run-dir", str(folder), *form)
        assert code == 0 and "\\x1b]0;x\\x07" in err
        assert "[bold]" in out and (not form or json.loads(out))
        assert Run(folder).is_complete
        shutil.rmtree(folder)


def exported(run: Path, path: Path) -> Path:
    """Export a run; a process that loads the file starts without TensorFlow."""
    assert ankleboot(["export", str(run), "--format", "litert", "--output", str(path)]) == 0
    return path


CASES = (
    "data verify --data {data} --skip-bad",
    "data convert {data} {out}",
    "data images {out} --data {data} --skip-bad --split train --count 5",
    "evaluate {run} --output {out}",
    "evaluate {run} --json",
    "evaluate {model} --data {data} --skip-bad",
    "compare {run} {second} --output {out}",
    "compare {run} {second} --json",
    "explain {run} {image} --output {out}",
    "report {run} --output {out}.html",
    "predict {data} --model {run}",
    "predict {data} --model {run} --json",
    "predict {data} --model {run} --csv",
    "predict {data} --model {run} --sort-into {out}",
    "predict {data} --model {run} --save-steps {out}",
    "predict {data} --model {exported} --output {out}.parquet --parallel 1",
    "export {run} --format onnx --output {out}.onnx",
    "runs list {runs} --columns all",
    "runs list {runs} --columns all --format csv",
    "runs list {runs} --columns all --format markdown",
    "runs list {runs} --columns all --format latex",
    "runs list {runs} --json",
    "runs show {second}",
    "runs show {second} --json",
    "runs diff {run} {second}",
    "runs diff {run} {second} --format csv",
    "runs leaderboard {runs}",
    "runs leaderboard {runs} --format csv",
    "runs prune {runs} --where recipe=plain --dry-run",
)
"""Commands that succeed; `predict` and `convert` name the damaged image, with exit code 3."""


@pytest.mark.parametrize("case", CASES)
def test_what_commands_print_and_write_stays_in_its_place(
    case: str,
    place: Path,
    runs: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    run, second = runs
    model = tmp_path / f"{TITLE}{FORMULA}[red].keras"
    shutil.copy(run / "model.keras", model)
    folder = tmp_path / f"{TITLE}{ELEMENT}"
    folder.mkdir()
    image = next(path for path in (place / "data" / CLASSES[1]).iterdir())
    names = {"data": place / "data", "run": run, "second": second, "model": model, "image": image}
    names |= {"out": folder / f"{ELEMENT}out", "runs": place / "runs"}
    if "{exported}" in case:
        names["exported"] = exported(run, model.with_suffix(".tflite"))
    arguments = [part.format_map(names) for part in case.split()]
    code, out, err = run_clean(capsys, *arguments)
    assert code in ((0, 3) if arguments[0] in ("predict", "data") else (0,)), err
    assert "Traceback" not in err
    if "--json" in arguments:
        for line in out.splitlines() if arguments[0] == "predict" else [out]:
            json.loads(line)
    if "csv" in case:
        check_csv(out, case)
    if "markdown" in case:
        assert ELEMENT not in out
    check_files(folder)


def test_a_terminal_gets_no_control_character_of_a_name(
    runs: tuple[Path, Path], place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a terminal rich writes its own escapes; those of names are text."""
    import pty
    import subprocess

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "600")  # nothing is shortened
    reader, writer = pty.openpty()
    command = [sys.executable, "-m", "ankleboot", "runs", "list", str(place / "runs")]
    child = subprocess.Popen(command, stdout=writer, stderr=writer, cwd=tmp_path)
    os.close(writer)
    received = b""
    while True:
        try:
            part = os.read(reader, 65_536)
        except OSError:
            break
        received += part
        if not part:
            break
    os.close(reader)
    assert child.wait() == 0
    assert b"\x1b]0" not in received and b"\x07" not in received and b"x1b]0;x" in received
