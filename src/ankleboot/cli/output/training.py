"""Training as people see it: the network, a bar, a line per epoch, the end; and the recipes."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ankleboot.cli.output.terminal import Terminal, log_line, print_paths, stdout_console
from ankleboot.data.splits import Split
from ankleboot.evaluation.overfitting import FitDiagnosis
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.run import EpochRecord, Run
from ankleboot.recipes.fields import shown
from ankleboot.recipes.measured_results import RecipeResult
from ankleboot.recipes.recipe import OPTIONS, Recipe
from ankleboot.training.callbacks import LayerSummary

LONGEST_ROW = 320  # characters of a field's row in `recipes RECIPE`


class TrainingProgress:
    """Draws training: the model summary, a bar within each epoch, a line for each epoch done."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._console = Console(stderr=True, highlight=False)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def on_start(self, run: Run, layers: list[LayerSummary], split: Split) -> None:
        terminal = self._console.is_terminal
        console = self._console if terminal else Terminal(stderr=True, width=100)
        with suppress(OSError):
            console.print(_layer_table(self._recipe, layers))
        log_line(
            f"{len(split.train):,} training and {len(split.validation):,} validation images; "
            f"run folder {run.folder}"
        )

    def on_message(self, message: str) -> None:
        log_line(f"note: {message}")

    def on_step_end(self, epoch: int, step: int, num_steps: int, loss: float, accuracy: float) -> None:
        if not self._console.is_terminal:
            return
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                TextColumn("{task.completed}/{task.total} steps"),
                TextColumn("{task.fields[figures]}"),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
                expand=True,
            )
            self._progress.start()
            self._task = self._progress.add_task("", total=num_steps, figures="")
        if self._task is not None:
            self._progress.update(
                self._task,
                description=f"epoch {epoch}/{self._recipe.epochs}",
                completed=step,
                total=num_steps,
                figures=f"loss {loss:.3f}  accuracy {100 * accuracy:.2f} %",
            )

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:
        self.close()
        train = f"{100 * record.train_accuracy:.2f} % (loss {record.train_loss:.4f})"
        validation = f"{100 * record.validation_accuracy:.2f} % (loss {record.validation_loss:.4f})"
        log_line(
            f"epoch {record.epoch:>{len(str(self._recipe.epochs))}}/{self._recipe.epochs}"
            f"  training {train}  validation {validation}"
            f"  {record.seconds:.1f} s{'  best so far' if is_best else ''}"
        )

    def close(self) -> None:
        """Take the bar away (also when training ended early)."""
        if self._progress is not None:
            self._progress.stop()
            self._progress, self._task = None, None


def _layer_table(recipe: Recipe, layers: list[LayerSummary]) -> Table:
    table = Table(
        title=f"{recipe.name}, seed {recipe.seed}", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("layer")
    table.add_column("kind")
    table.add_column("output", justify="right")
    table.add_column("parameters", justify="right")
    for layer in layers:
        shape = " x ".join(str(size) for size in layer.output_shape)
        table.add_row(layer.name, layer.kind, shape, f"{layer.parameters:,}")
    table.add_row("total", "", "", f"{sum(layer.parameters for layer in layers):,}", style="bold")
    return table


def training_result(
    result: dict[str, Any], calibration: Calibration, verdict: FitDiagnosis, paths: list[Path]
) -> None:
    """The end of `train`."""
    console = stdout_console()
    rows = Table(box=None, show_header=False, pad_edge=False)
    train, validation = result["train"], result["validation"]
    rows.add_row("recipe", Text(f"{result['recipe']}, seed {result['seed']}, {result['data']}"))
    rows.add_row("parameters", f"{result['parameters']:,}")
    epochs = f"{result['epochs']} in {result['train_seconds']:.1f} s, best {result['best_epoch']}"
    rows.add_row("epochs", f"{epochs}, model of epoch {result['model_epoch']}")
    rows.add_row("training", f"accuracy {100 * train['accuracy']:.2f} %, loss {train['loss']:.4f}")
    rows.add_row(
        "validation",
        f"accuracy {100 * validation['accuracy']:.2f} %, loss {validation['loss']:.4f}",
    )
    (before, after), (low, high) = calibration.ece, calibration.loss
    rows.add_row(
        "calibration",
        f"temperature {calibration.temperature:.2f}: ECE {before:.3f} to {after:.3f}, "
        f"loss {low:.4f} to {high:.4f}",
    )
    console.print(rows)
    for sentence in verdict.sentences:
        console.print(sentence, markup=False, soft_wrap=not console.is_terminal)
    print_paths(console, paths)


def recipe_list(recipes: dict[str, Recipe], figures: dict[str, RecipeResult]) -> None:
    """The table of `recipes`."""
    table = Table(box=None, pad_edge=False)
    for name, justify in (
        ("recipe", "left"),
        ("parameters", "right"),
        ("epochs", "right"),
        ("seconds", "right"),
        ("test accuracy", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for name, recipe in recipes.items():
        if name not in figures:
            is_for_photos = recipe.architecture == "transfer" or recipe.photo_simulation
            place = "for photographs: docs/photos.md" if is_for_photos else "not measured yet"
            table.add_row(name, "", str(recipe.epochs), "", place)
            continue
        measured = figures[name]
        spread = "" if measured.accuracy_std is None else f" +- {100 * measured.accuracy_std:.2f}"
        accuracy = f"{100 * measured.accuracy_mean:.2f}{spread} % (n={measured.num_seeds})"
        seconds = f"{recipe.epochs * measured.epoch_seconds:.0f}"
        table.add_row(name, f"{measured.parameters:,}", str(recipe.epochs), seconds, accuracy)
    console = stdout_console()
    console.print(table)
    for place in dict.fromkeys(f"{m.hardware}, {m.date}" for m in figures.values()):
        console.print(f"measured on {place}; see docs/reproduction.md")


def recipe_fields(recipe: Recipe) -> None:
    """Print every field that --set can change; one without effect has a dash for a value."""
    values = recipe.to_json()
    table = Table(box=None, pad_edge=False)
    table.add_column("field", no_wrap=True)
    table.add_column(recipe.name, no_wrap=True)
    table.add_column("valid values")
    table.add_column("meaning")
    for name, declared in OPTIONS.items():
        text, meaning = shown(values[name]), declared.meaning
        if not declared.is_used(values):
            text, meaning = "-", f"{meaning} Used with {declared.remedy(values)}."
        table.add_row(name, text, declared.valid_values(), meaning)
    console = stdout_console()
    if not console.is_terminal:
        console.width = LONGEST_ROW  # one line per field for grep and the like
    console.print(table)
