"""Terminal output of `train` and `recipes`."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from ankleboot.cli.output.terminal import (
    Terminal,
    log_line,
    plain_table,
    right_column,
    stderr_console,
    stdout_console,
)
from ankleboot.data.splits import Split
from ankleboot.evaluation.cross_validation import PREDICTION_FILE, RESULT_FILE, CrossValidation
from ankleboot.evaluation.seed_runs import RESULT_FILE as SEEDS_FILE
from ankleboot.evaluation.seed_runs import SeedRuns
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.recipes.catalog import RECIPES
from ankleboot.recipes.measured_results import RecipeResult
from ankleboot.recipes.option import shown
from ankleboot.recipes.recipe import OPTIONS, Recipe
from ankleboot.training.callbacks import LayerSummary, TrainingCallback

MAX_ROW_LENGTH = 320  # characters of a field's row in `recipes RECIPE`


class TrainingProgress(TrainingCallback):
    """Callback that prints the model summary, a bar within each epoch and a line per epoch."""

    def __init__(self) -> None:
        self._console = stderr_console()
        self._epochs, self._is_network_shown = 0, False
        self._bar: Progress | None = None

    def on_start(self, run: Run, layers: list[LayerSummary], split: Split) -> None:
        recipe = run.recipe()
        if not self._is_network_shown:  # the folds of a cross-validation have one network
            console = (
                self._console if self._console.is_terminal else Terminal(stderr=True, width=100)
            )
            with suppress(OSError):
                console.print(_layer_table(recipe, layers))
        self._epochs, self._is_network_shown = recipe.epochs, True
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
        if self._bar is None:
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                TextColumn("{task.completed}/{task.total} steps", markup=False),
                TextColumn("{task.fields[figures]}", markup=False),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
                expand=True,
            )
            self._bar.start()
            self._bar.add_task("", total=num_steps, figures="")
        self._bar.update(
            self._bar.task_ids[0],
            description=f"epoch {epoch}/{self._epochs}",
            completed=step,
            total=num_steps,
            figures=f"loss {loss:.3f}  accuracy {100 * accuracy:.2f} %",
        )

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
        self.close()
        train = f"{100 * record.train_accuracy:.2f} % (loss {record.train_loss:.4f})"
        validation = f"{100 * record.validation_accuracy:.2f} % (loss {record.validation_loss:.4f})"
        log_line(
            f"epoch {record.epoch:>{len(str(self._epochs))}}/{self._epochs}"
            f"  training {train}  validation {validation}"
            f"  {record.seconds:.1f} s{'  best so far' if is_best else ''}"
        )

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _layer_table(recipe: Recipe, layers: list[LayerSummary]) -> Table:
    columns = "layer", "kind", right_column("output"), right_column("parameters")
    table = plain_table(*columns, title=f"{recipe.name}, seed {recipe.seed}", title_justify="left")
    for layer in layers:
        shape = " x ".join(str(size) for size in layer.output_shape)
        table.add_row(layer.name, layer.kind, shape, f"{layer.parameters:,}")
    table.add_row("total", "", "", f"{sum(layer.parameters for layer in layers):,}", style="bold")
    return table


def training_result(document: dict[str, Any]) -> None:
    """Print the document of `train --json` as a table and sentences."""
    console = stdout_console()
    rows = plain_table(show_header=False)
    name = f"{document['recipe']}, seed {document['seed']}, {document['data']}"
    seconds = f"{document['epochs']} in {document['train_seconds']:.1f} s"
    best = f"best {document['best_epoch']}, model of epoch {document['model_epoch']}"
    calibration = document["calibration"]
    (ece, calibrated_ece), (loss, calibrated_loss) = calibration["ece"], calibration["loss"]
    rows.add_row("recipe", name)
    rows.add_row("parameters", f"{document['parameters']:,}")
    rows.add_row("epochs", f"{seconds}, {best}")
    rows.add_row("training", _metrics(document["train"]))
    rows.add_row("validation", _metrics(document["validation"]))
    rows.add_row(
        "calibration",
        f"temperature {calibration['temperature']:.2f}: ECE {ece:.3f} to {calibrated_ece:.3f}, "
        f"loss {loss:.4f} to {calibrated_loss:.4f}",
    )
    console.print(rows)
    console.sentences(*document["verdict"]["sentences"])
    if caution := Calibration.from_json(calibration, document["run_dir"]).caution:
        console.sentences(caution)
    for file in ("model.keras", "history.csv", "curves.png", "samples.png"):
        console.lines(Path(document["run_dir"]) / file)


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
    console.print(table)
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
    console.print(table)
    console.sentences(result.sentence)
    console.lines(result.folder / SEEDS_FILE)


def _metrics(metrics: dict[str, float]) -> str:
    return f"accuracy {100 * metrics['accuracy']:.2f} %, loss {metrics['loss']:.4f}"


def recipe_list(figures: dict[str, RecipeResult]) -> None:
    """Print the recipes with their measured results."""
    numbers = map(right_column, ("parameters", "epochs", "seconds"))
    table = plain_table("recipe", *numbers, "test accuracy")
    for name, recipe in RECIPES.items():
        if name not in figures:
            is_for_photos = recipe.architecture == "transfer" or recipe.photo_simulation
            remark = "for photos: docs/photos.md" if is_for_photos else "not measured yet"
            table.add_row(name, "", str(recipe.epochs), "", remark)
            continue
        measured = figures[name]
        spread = "" if measured.accuracy_std is None else f" +- {100 * measured.accuracy_std:.2f}"
        accuracy = f"{100 * measured.accuracy_mean:.2f}{spread} % (n={measured.num_seeds})"
        seconds = f"{recipe.epochs * measured.epoch_seconds:.0f}"
        table.add_row(name, f"{measured.parameters:,}", str(recipe.epochs), seconds, accuracy)
    console = stdout_console()
    console.print(table)
    machines: dict[str, list[str]] = {}
    for name, measured in figures.items():
        machines.setdefault(f"{measured.hardware}, {measured.date}", []).append(name)
    for machine, names in machines.items():
        console.print(f"{', '.join(names)}: measured on {machine}")
    console.print("see docs/reproduction.md and docs/performance.md")


def recipe_fields(recipe: Recipe) -> None:
    """Print the fields for --set; a dash stands for the value of a field without effect."""
    values = recipe.to_json()
    names = (Column(title, no_wrap=True) for title in ("field", recipe.name))
    table = plain_table(*names, "valid values", "meaning")
    for name, declared in OPTIONS.items():
        text, meaning = shown(values[name]), declared.meaning
        if not declared.is_used(values):
            text, meaning = "-", f"{meaning} Used with {declared.remedy(values)}."
        table.add_row(name, text, declared.valid_values(), meaning)
    console = stdout_console()
    if not console.is_terminal:
        console.width = MAX_ROW_LENGTH  # one line per field for grep and the like
    console.print(table)
