"""The command line: parse, call, print.

Every command is the Python function of the same name with the same defaults. Heavy modules are
imported inside the commands, so that `--help` does not wait for TensorFlow.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ankleboot import __version__
from ankleboot.errors import AnklebootError, EnvironmentFailure, ModelError, UsageError

if TYPE_CHECKING:
    from ankleboot.recipes import Recipe
    from ankleboot.runs import Run

EXTRAS = {"keras": "train", "tensorflow": "train", "cv2": "train", "matplotlib": "train"}
"""Which extra brings a module that the light core does without."""

Command = TypeVar("Command", bound=Callable[..., Any])


def main() -> None:
    """Run the command line; an AnklebootError or a slip in the arguments is one line on stderr."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # whatever the user's other work runs on
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets on stderr otherwise
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w"))
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    try:
        with cli.make_context("ankleboot", arguments) as context:  # cli.main would exit on its own
            cli.invoke(context)
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as finished:  # after --help and --version
        return finished.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.ctx.get_help() if error.ctx else "", file=sys.stderr)
        return UsageError.exit_code
    except click.ClickException as error:
        return _fail(f"{error.format_message()} (see ankleboot --help)", UsageError.exit_code)
    except AnklebootError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130)
    except BrokenPipeError:  # the reader (head, say) has seen enough
        _drop_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop_output()
        return _fail("disk full while writing the output", EnvironmentFailure.exit_code)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRAS:
            raise
        extra = EXTRAS[missing]
        return _fail(
            f"this needs {missing}: pip install 'ankleboot[{extra}]'", EnvironmentFailure.exit_code
        )


def _drop_output() -> None:
    """Let what is still buffered go nowhere; Python would complain about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, code: int) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return code


def _json_option(command: Command) -> Command:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document on stdout."
    )(command)


def _data_option(command: Command) -> Command:
    text = "fashion-mnist (default), sample, or a folder with the four IDX files."
    return click.option("--data", "data_name", metavar="NAME|DIR", help=text)(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ankleboot")
def cli() -> None:
    """Train, judge, explain and ship clothing classifiers on Fashion-MNIST.

    Exit codes: 0 ok, 2 usage, 3 bad data, 4 refused or bad model, 5 environment (disk, network,
    permission), 6 training diverged, 130 SIGINT, 143 SIGTERM.
    """


@cli.group()
def data() -> None:
    """Get the data and check it."""


@data.command()
@_json_option
def fetch(as_json: bool) -> None:
    """Bring Fashion-MNIST into the cache, from wherever it can be had.

    Asked in this order: the cache itself, folders of other tools, the public mirrors, Debian's
    archive. Only content with the right SHA-256 is accepted.
    """
    from ankleboot import console
    from ankleboot.data import FASHION_MNIST, cache_folder
    from ankleboot.data import fetch as fetch_data

    source = fetch_data()
    paths = [cache_folder() / wanted.name for wanted in FASHION_MNIST]
    if as_json:
        console.print_json({"source": source, "files": [str(path) for path in paths]})
    else:
        console.data_fetched(source, paths)


@data.command()
@_data_option
@_json_option
def verify(data_name: str | None, as_json: bool) -> None:
    """Check every byte of a data set against its pinned hashes."""
    from ankleboot import console
    from ankleboot.data import load

    checked = load(data_name or "fashion-mnist")
    document = {
        "data": checked.name,
        "train": len(checked.train),
        "test": len(checked.test),
        "ok": True,  # load raises for anything else
        "source": checked.source,
        "sha256": checked.sha256,
    }
    if as_json:
        console.print_json(document)
    else:
        console.data_verified(document)


@cli.command()
@click.argument("name", required=False)
@_json_option
def recipes(name: str | None, as_json: bool) -> None:
    """List the recipes, or the fields of one of them."""
    from dataclasses import asdict

    from ankleboot import console
    from ankleboot.measured import measured
    from ankleboot.recipes import RECIPES, find

    figures = measured()
    if as_json:
        chosen = [find(name)] if name else list(RECIPES.values())
        console.print_json(
            [
                recipe.to_json()
                | {"measured": asdict(figures[recipe.name]) if recipe.name in figures else None}
                for recipe in chosen
            ]
        )
    elif name:
        console.recipe_fields(find(name))
    else:
        console.recipe_list(RECIPES, figures)


@cli.command()
@click.argument("recipe_name", metavar="[RECIPE]", required=False)
@_data_option
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a field of the recipe."
)
@click.option("--seed", type=int, help="Short for --set seed=N.")
@click.option(
    "--run-dir",
    type=click.Path(path_type=Path),
    help="A new folder. [default: runs/RECIPE-seedN-NNN]",
)
@click.option(
    "--resume", "resume_dir", metavar="RUN", type=click.Path(path_type=Path), help="Continue a run."
)
@_json_option
def train(
    recipe_name: str | None,
    data_name: str | None,
    settings: tuple[str, ...],
    seed: int | None,
    run_dir: Path | None,
    resume_dir: Path | None,
    as_json: bool,
) -> None:
    """Train RECIPE and leave a run folder with model, curves and numbers.

    `ankleboot recipes` lists the recipes, `ankleboot recipes RECIPE` the fields for --set.
    """
    from ankleboot import console
    from ankleboot.data import load
    from ankleboot.recipes import find, override
    from ankleboot.runs import Run, next_folder

    values = _parse_settings(settings, seed)
    if resume_dir is not None:
        if run_dir is not None:
            raise UsageError("--resume continues in the folder of the run; leave --run-dir out")
        recipe = Run(resume_dir).recipe()
        _refuse_changes(resume_dir, recipe, recipe_name, override(recipe, values))
        loaded = load(data_name or _data_of(Run(resume_dir)))
    elif recipe_name is not None:
        recipe = override(find(recipe_name), values)
        loaded = load(data_name or "fashion-mnist")
    else:
        raise UsageError("name a recipe (ankleboot recipes lists them), or a run with --resume")

    progress = console.TrainingProgress(recipe)
    from ankleboot import training  # TensorFlow: after all that can fail quickly

    try:
        if resume_dir is not None:
            run = training.resume(resume_dir, loaded, progress)
        else:
            folder = run_dir or next_folder(Path("runs"), recipe)
            run = training.train(recipe, loaded, folder, progress)
    finally:
        progress.close()
    _report_training(run, loaded, as_json)


def _refuse_changes(run_dir: Path, then: Recipe, name: str | None, now: Recipe) -> None:
    """A resumed run keeps its recipe; RECIPE and --set may only repeat it."""
    before, after = then.to_json(), now.to_json() | {"name": name or then.name}
    changes = [f"{k} was {before[k]} and is {after[k]}" for k in before if before[k] != after[k]]
    if changes:
        raise ModelError(
            f"{run_dir}: cannot resume, {'; '.join(changes)}. Start a new run for that"
        )


def _data_of(run: Run) -> str:
    """The data a run was trained on, as `load` wants it: a name, or the user's own folder."""
    from ankleboot.data import cache_folder

    manifest = run.manifest()
    source = Path(manifest["data_source"])
    own_folder = source.is_dir() and source != cache_folder()
    return str(source if own_folder else manifest["data"]["name"])


def _parse_settings(settings: tuple[str, ...], seed: int | None) -> dict[str, str]:
    values: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"--set {setting}: expected KEY=VALUE")
        _add_setting(values, key.strip(), value)
    if seed is not None:
        _add_setting(values, "seed", str(seed))
    return values


def _add_setting(values: dict[str, str], key: str, value: str) -> None:
    if key in values:
        raise UsageError(f"{key} is set twice, to {values[key]} and to {value}")
    values[key] = value


def _report_training(run: Any, loaded: Any, as_json: bool) -> None:
    from ankleboot import console, plots
    from ankleboot.diagnosis import fit_verdict
    from ankleboot.files import write_json

    result, history = run.result(), run.history()
    verdict = fit_verdict(history)
    write_json(run.folder / "verdict.json", verdict.to_json())
    title = f"{result['recipe']}, seed {result['seed']}: {verdict.verdict}"
    curves = run.folder / "curves.png"
    _save_figure(plots.learning_curves(history, result["best_epoch"], title), curves)
    samples = run.folder / "samples.png"
    _save_figure(plots.samples(loaded.train.images, loaded.train.labels), samples)
    if as_json:
        place = {"run_dir": str(run.folder)}
        console.print_json(place | result | {"verdict": verdict.to_json()})
    else:
        console.training_result(
            result, verdict, [run.model_path, run.folder / "history.csv", curves, samples]
        )


def _save_figure(figure: Any, path: Path) -> None:
    from ankleboot.files import atomic_write

    atomic_write(path, lambda temp: figure.savefig(temp, dpi=110), suffix=path.suffix)


@cli.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--split",
    "split_name",
    type=click.Choice(["validation", "test"]),
    default="validation",
    show_default=True,
)
@_data_option
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for numbers and pictures. [default: the run folder]",
)
@_json_option
def evaluate(
    model: Path, split_name: str, data_name: str | None, output: Path | None, as_json: bool
) -> None:
    """Judge MODEL, a run folder or a .keras file, on a whole split.

    Choose with the validation split; every look at the test split is counted.
    """
    from ankleboot import console, plots, test_reads
    from ankleboot import evaluation as judge
    from ankleboot.data import LabeledImages, load
    from ankleboot.data.splits import split
    from ankleboot.files import make_folder, write_json
    from ankleboot.predictors import load_predictor
    from ankleboot.recipes import Recipe
    from ankleboot.runs import run_of

    if not model.exists():
        raise ModelError(f"{model}: no such model file or run folder")
    run = run_of(model)
    recipe = run.recipe() if run else Recipe(name="default")
    loaded = load(data_name or (_data_of(run) if run else "fashion-mnist"))
    predictor = load_predictor(model)
    if split_name == "test":
        part, reads = loaded.test, test_reads.count(model)
    else:
        chosen = split(loaded.train.labels, recipe).validation
        part = LabeledImages(loaded.train.images[chosen], loaded.train.labels[chosen])
        reads = test_reads.so_far(model)
    evaluation = judge.evaluate(
        predictor, part, data=loaded.name, split=split_name, test_reads=reads
    )

    paths = []
    folder = output
    if run and model.is_dir() and loaded.name == run.manifest()["data"]["name"]:
        folder = output or model
    if folder is not None:
        make_folder(folder)
        paths = [folder / f"evaluation-{split_name}.json", folder / f"confusion-{split_name}.png"]
        write_json(paths[0], evaluation.to_json())
        _save_figure(plots.confusion(evaluation), paths[1])
    if as_json:
        console.print_json(evaluation.to_json())
    else:
        console.evaluation_result(evaluation, paths)


if __name__ == "__main__":
    main()
