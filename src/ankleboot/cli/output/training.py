"""Terminal output of `train` and `recipes`."""

import shlex
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from rich.padding import Padding
from rich.progress import Progress
from rich.table import Column, Table

from ankleboot.cli.output.progress import make_bar
from ankleboot.cli.output.terminal import (
    live,
    log_line,
    next_command,
    plain_table,
    right_column,
    stderr_console,
    stdout_console,
    styled,
)
from ankleboot.data.splits import Split
from ankleboot.evaluation.cross_validation import PREDICTION_FILE, RESULT_FILE, CrossValidation
from ankleboot.evaluation.evidence import TOO_FEW_IMAGES, too_few_to_judge
from ankleboot.evaluation.seed_runs import RESULT_FILE as SEEDS_FILE
from ankleboot.evaluation.seed_runs import SeedRuns
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import PURPOSES, RECIPES
from ankleboot.recipes.measured_results import RecipeResult
from ankleboot.recipes.option import shown
from ankleboot.recipes.recipe import OPTIONS, Recipe
from ankleboot.training.callbacks import LayerSummary, TrainingCallback

MIN_WIDTH_OF_FIGURES = 80  # characters of a terminal on which the bar has loss and accuracy
MIN_WIDTH_OF_RECIPES = 104  # characters of a terminal on which the recipes are one table
MIN_WIDTH_OF_FIELDS = 100  # characters of a terminal on which the fields are a table
BEST_TEXTS = {"loss": "lowest loss", "accuracy": "best"}  # of an epoch, by the recipe's monitor
NUM_FIT_SENTENCES = 3  # of a verdict, on the fit; those behind them limit the accuracy


class TrainingProgress(TrainingCallback):
    """Callback that draws a bar with the time left, and prints a line per epoch.

    Args:
        verbose: Whether the layers of the network and the losses are printed as well.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self._console, self._verbose = stderr_console(), verbose
        self._epochs, self._head_epochs, self._is_network_shown = 0, 0, False
        self._best = ""
        self._bar: Progress | None = None
        self._open = ExitStack()

    def on_start(self, run: Run, layers: list[LayerSummary], split: Split) -> None:
        self.close()
        recipe = run.recipe()
        if self._verbose and not self._is_network_shown:  # all folds have one network
            with suppress(OSError):
                self._console.table(_layer_table(recipe, layers))
        self._epochs, self._head_epochs = recipe.epochs, recipe.head_epochs
        self._best = BEST_TEXTS[recipe.monitor]
        self._is_network_shown = True
        images = f"{len(split.train):,} training and {len(split.validation):,} validation images"
        if recipe.folds:
            images = (
                f"fold {recipe.fold} of {recipe.folds}: {len(split.held_out):,} held-out, {images}"
            )
        log_line(f"{images}; run folder {run.folder}")

    def on_message(self, message: str) -> None:
        log_line(f"note: {message}")

    def on_step_end(
        self, epoch: int, step: int, num_steps: int, loss: float, accuracy: float
    ) -> None:
        if not self._console.is_terminal:
            return
        done, total = (epoch - 1) * num_steps, self._epochs * num_steps
        if self._bar is None:
            self._bar = self._open.enter_context(make_bar(self._console, "steps"))
            self._open.enter_context(live(self._console))
            self._bar.add_task("", total=total, completed=done)
        description = f"epoch {epoch}/{self._epochs}"
        if self._console.width >= MIN_WIDTH_OF_FIGURES:
            description += f"  loss {loss:.3f}  {100 * accuracy:.1f} %"
        task = self._bar.task_ids[0]
        self._bar.update(task, description=description, completed=done + step, total=total)

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
        train = f"training {100 * record.train_accuracy:.2f} %"
        validation = f"validation {100 * record.validation_accuracy:.2f} %"
        if self._verbose:
            train += f" (loss {record.train_loss:.4f})"
            validation += f" (loss {record.validation_loss:.4f})"
        best = f"  {self._best}" if is_best else ""
        log_line(
            f"epoch {record.epoch:>{len(str(self._epochs))}}/{self._epochs}"
            f"  {train}  {validation}  {record.seconds:.1f} s{best}"
        )
        if record.epoch == self._head_epochs < self._epochs:
            log_line("from here all layers learn; the accuracy may fall at first")

    def close(self) -> None:
        """Remove the bar."""
        self._open.close()
        self._bar = None


def _layer_table(recipe: Recipe, layers: list[LayerSummary]) -> Table:
    columns = "layer", "kind", right_column("output"), right_column("parameters")
    table = plain_table(*columns, title=f"{recipe.name}, seed {recipe.seed}", title_justify="left")
    for layer in layers:
        shape = " x ".join(str(size) for size in layer.output_shape)
        table.add_row(layer.name, layer.kind, shape, f"{layer.parameters:,}")
    table.add_row("total", "", "", f"{sum(layer.parameters for layer in layers):,}", style="bold")
    return table


def training_result(document: dict[str, Any], *, verbose: bool = False) -> None:
    """Print the document of `train --json` in sentences; `verbose` adds figures and files."""
    console, folder = stdout_console(), document["run_dir"]
    calibration = Calibration.from_json(document["calibration"], folder)
    train, validation = document["train"], document["validation"]
    sentences = document["verdict"]["sentences"]
    fit, limits = sentences[:NUM_FIT_SENTENCES], sentences[NUM_FIT_SENTENCES:]
    if calibration.num_examples < TOO_FEW_IMAGES:  # for the losses, too
        fit = [too_few_to_judge(calibration.num_examples)]
    epochs = f"{document['epochs']} {'epoch' if document['epochs'] == 1 else 'epochs'}"
    kept, best = document["model_epoch"], document["best_epoch"]
    epochs += "" if kept == best else f" (kept: {kept}; best: {best})"
    # the other commands compute in float32, so their figures may differ by a few images
    rounded = "; computed in bfloat16" if document["arithmetic"].startswith("bfloat16") else ""
    console.sentences(
        f"{100 * validation['accuracy']:.2f} % of {calibration.num_examples:,} validation images "
        f"of {document['data']} correct (training: {100 * train['accuracy']:.2f} %{rounded})",
        f"loss {calibration.loss[0]:.4f} before calibration, {calibration.loss[1]:.4f} after; "
        f"{epochs} in {document['train_seconds']:.1f} s, {document['parameters']:,} parameters",
        *(fit if verbose else fit[:1]),
        *limits,
    )
    if calibration.caution:
        console.sentences(calibration.caution)
    if verbose:
        console.table(_figures(document, calibration))
        for file in ("model.keras", "history.csv", "curves.png", "samples.png"):
            console.lines(Path(folder) / file)
    command = f"ankleboot evaluate {shlex.quote(folder)}"
    next_command(console, command, "" if verbose else "layers, losses by epoch and files")


def _figures(document: dict[str, Any], calibration: Calibration) -> Table:
    """Return the table of `train --verbose`."""
    rows = plain_table(show_header=False)
    (ece, calibrated_ece), validation = calibration.ece, document["validation"]
    rows.add_row("recipe", f"{document['recipe']}, seed {document['seed']}, {document['data']}")
    rows.add_row(
        "epochs", f"best {document['best_epoch']}, model of epoch {document['model_epoch']}"
    )
    rows.add_row("training loss", f"{document['train']['loss']:.4f}")
    rows.add_row("validation loss", f"{validation['loss']:.4f} before calibration")
    rows.add_row("temperature", f"{calibration.temperature:.2f}")
    rows.add_row("ECE", f"{ece:.3f} before calibration, {calibrated_ece:.3f} after")
    return rows


def cross_validation_result(result: CrossValidation) -> None:
    """Print the folds as a table, and what they say together."""
    console = stdout_console()
    titles = "images", "accuracy", "balanced accuracy"
    table = plain_table(right_column("fold"), *map(right_column, titles))
    for fold in result.folds:
        shares = f"{100 * fold.accuracy:.2f} %", f"{100 * fold.balanced_accuracy:.2f} %"
        table.add_row(str(fold.fold), f"{fold.num_examples:,}", *shares)
    shares = f"{100 * result.accuracy:.2f} %", f"{100 * result.balanced_accuracy:.2f} %"
    table.add_row("all", f"{result.num_examples:,}", *shares, style="bold")
    console.table(table)
    console.sentences(result.sentence)
    for file in (RESULT_FILE, PREDICTION_FILE):
        console.lines(result.folder / file)


def seed_result(result: SeedRuns) -> None:
    """Print the runs as a table, and what they say together."""
    console = stdout_console()
    titles = "accuracy", "loss", "seconds"
    table = plain_table(right_column("seed"), *map(right_column, titles))
    for run in result.seeds:
        shown = f"{100 * run.accuracy:.2f} %", f"{run.loss:.4f}", f"{run.train_seconds:.1f}"
        table.add_row(str(run.seed), *shown)
    means = f"{100 * result.accuracy_mean:.2f} %", f"{result.loss_mean:.4f}", ""
    table.add_row("mean", *means, style="bold")
    console.table(table)
    console.sentences(result.sentence)
    console.lines(result.folder / SEEDS_FILE)


def recipe_list(figures: dict[str, RecipeResult]) -> None:
    """Print the recipes with their measured results."""
    console = stdout_console()
    is_narrow = console.width < MIN_WIDTH_OF_RECIPES
    titles = ("parameters",) if is_narrow else ("parameters", "epochs", "seconds")
    more = () if is_narrow else ("purpose",)
    table = plain_table("recipe", *map(right_column, titles), "test accuracy", *more)
    for name, recipe in RECIPES.items():
        row = _recipe_row(recipe, figures.get(name))
        table.add_row(*((row[0], row[1], row[4]) if is_narrow else (*row, PURPOSES[name])))
    console.table(table)
    if is_narrow:
        purposes = plain_table("recipe", "purpose")
        for item in PURPOSES.items():
            purposes.add_row(*item)
        console.table(purposes)
    machines: dict[str, list[str]] = {}
    for name, measured in figures.items():
        machines.setdefault(f"{measured.hardware}, {measured.date}", []).append(name)
    for machine, names in machines.items():
        console.print(f"{', '.join(names)}: measured on {machine}")
    console.print("see docs/reproduction.md and docs/performance.md")


def _recipe_row(recipe: Recipe, measured: RecipeResult | None) -> tuple[str, ...]:
    """Return name, parameters, epochs, seconds and accuracy, or the page with the figures."""
    if measured is None:
        is_for_photos = recipe.architecture == "transfer" or recipe.photo_simulation
        page = "docs/photos.md" if is_for_photos else "docs/performance.md"
        return recipe.name, "", str(recipe.epochs), "", page
    spread = "" if measured.accuracy_std is None else f" +- {100 * measured.accuracy_std:.2f}"
    accuracy = f"{100 * measured.accuracy_mean:.2f}{spread} % (n={measured.num_seeds})"
    seconds = f"{recipe.epochs * measured.epoch_seconds:.0f}"
    return recipe.name, f"{measured.parameters:,}", str(recipe.epochs), seconds, accuracy


def recipe_fields(recipe: Recipe) -> None:
    """Print the fields for --set; a dash stands for the value of a field without effect."""
    values, console = recipe.to_json(), stdout_console()
    names = (Column(title, no_wrap=True) for title in ("field", recipe.name))
    table = plain_table(*names, "valid values", "meaning")
    is_narrow = console.width < MIN_WIDTH_OF_FIELDS
    for name, declared in OPTIONS.items():
        text, meaning = shown(values[name]), declared.meaning
        if not declared.is_used(values):
            text, meaning = "-", f"{meaning} Used with {declared.remedy(values)}."
        if is_narrow:
            console.print(styled((f"{name} {text}", "bold"), f" ({declared.valid_values()})"))
            console.print(Padding(styled(meaning), (0, 0, 0, 2)))
        else:
            table.add_row(name, text, declared.valid_values(), meaning)
    if not is_narrow:
        console.table(table)
