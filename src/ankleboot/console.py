"""What people see: progress on stderr, tables on stdout; plain lines where there is no terminal."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ankleboot.calibration import Calibration
from ankleboot.comparison import Comparison, Pair
from ankleboot.data import CLASS_NAMES
from ankleboot.data.splits import Split
from ankleboot.diagnosis import FitVerdict
from ankleboot.evaluation import Evaluation
from ankleboot.measured import Measured
from ankleboot.observer import LayerSummary
from ankleboot.prediction import Failure, Prediction
from ankleboot.printable import printable
from ankleboot.recipes import Recipe, valid_values
from ankleboot.runs import EpochRecord, Run

if TYPE_CHECKING:  # they import TensorFlow
    from ankleboot.audit import Audit
    from ankleboot.export import Exported

NUM_CONFUSIONS = 3  # listed below the table
NUM_SUSPECTS = 10  # doubtful labels that are listed
FEW = 20  # things that are done before a bar is worth drawing
WORTH_SAYING = 0.05  # probability of a second answer


def print_json(document: Any) -> None:
    """The one JSON document of a command."""
    print(json.dumps(document, indent=2))


def out() -> Console:
    """Where results go; lines are not broken when nobody watches."""
    console = _Console(highlight=False)
    return console if console.is_terminal else _Console(highlight=False, width=120)


class _Console(Console):
    """Leaves it to the command line what a reader's early leaving means; rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise  # called by rich while it handles the BrokenPipeError


def note(message: str) -> None:
    """One line of progress or warning on stderr; a run does not end because nobody reads it."""
    with suppress(OSError):
        words = printable(message)
        _Console(stderr=True, highlight=False, soft_wrap=True).print(words, markup=False)


class TrainingProgress:
    """Draws training: the model summary, a bar within each epoch, a line for each epoch done."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._console = Console(stderr=True, highlight=False)
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def started(self, run: Run, layers: list[LayerSummary], split: Split) -> None:
        terminal = self._console.is_terminal
        console = self._console if terminal else _Console(stderr=True, width=100)
        with suppress(OSError):
            console.print(_layer_table(self._recipe, layers))
        note(
            f"{len(split.train):,} training and {len(split.validation):,} validation images; "
            f"run folder {run.folder}"
        )

    def noted(self, message: str) -> None:
        note(f"note: {message}")

    def stepped(self, epoch: int, step: int, num_steps: int, loss: float, accuracy: float) -> None:
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

    def epoch_ended(self, record: EpochRecord, is_best: bool) -> None:
        self.close()
        train = f"{100 * record.train_accuracy:.2f} % (loss {record.train_loss:.4f})"
        validation = f"{100 * record.validation_accuracy:.2f} % (loss {record.validation_loss:.4f})"
        note(
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
    result: dict[str, Any], calibration: Calibration, verdict: FitVerdict, paths: list[Path]
) -> None:
    """The end of `train`."""
    console = out()
    rows = Table(box=None, show_header=False, pad_edge=False)
    train, validation = result["train"], result["validation"]
    rows.add_row("recipe", f"{result['recipe']}, seed {result['seed']}, {result['data']}")
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
    _paths(console, paths)


def evaluation_result(evaluation: Evaluation, paths: list[Path]) -> None:
    """The result of `evaluate`."""
    console = out()
    low, high = evaluation.accuracy_ci95
    console.print(
        f"[bold]{100 * evaluation.accuracy:.2f} %[/bold] of {evaluation.num_examples:,} "
        f"{evaluation.split} images of {evaluation.data} right "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f})"
    )
    console.print(
        f"top-2 {100 * evaluation.top2_accuracy:.2f} %   loss {evaluation.loss:.4f}   "
        f"Brier {evaluation.brier:.4f}   ECE {evaluation.ece:.4f}"
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("class", no_wrap=True)
    for name in ("precision", "recall", "F1", "images"):
        table.add_column(name, justify="right")
    for scores in evaluation.per_class:
        figures = (f"{100 * value:.1f}" for value in (scores.precision, scores.recall, scores.f1))
        table.add_row(scores.label, *figures, str(scores.support))
    console.print(table)
    if console.width >= 76:
        console.print(_confusion_table(evaluation))
    for count, true, predicted in _confusions(evaluation)[:NUM_CONFUSIONS]:
        console.print(f"{count} x {true} taken for {predicted}")
    if evaluation.split == "test":
        console.print(f"test split looked at with this model: {evaluation.test_reads} x")
    _paths(console, paths)


def _confusion_table(evaluation: Evaluation) -> Table:
    table = Table(
        title="true class (rows) by predicted class", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("", no_wrap=True)
    for name in CLASS_NAMES:
        table.add_column(name[:5], justify="right", no_wrap=True)
    for index, (name, row) in enumerate(zip(CLASS_NAMES, evaluation.confusion_matrix, strict=True)):
        cells = (
            f"[bold]{n}[/bold]" if index == column else str(n or ".")
            for column, n in enumerate(row)
        )
        table.add_row(name, *cells)
    return table


def _confusions(evaluation: Evaluation) -> list[tuple[int, str, str]]:
    return sorted(
        (
            (count, CLASS_NAMES[row], CLASS_NAMES[column])
            for row, counts in enumerate(evaluation.confusion_matrix)
            for column, count in enumerate(counts)
            if row != column and count
        ),
        reverse=True,
    )


def _paths(console: Console, paths: list[Path]) -> None:
    for path in paths:
        console.print(str(path), markup=False, soft_wrap=True)


def recipe_list(recipes: dict[str, Recipe], figures: dict[str, Measured]) -> None:
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
            table.add_row(name, "", str(recipe.epochs), "", "not measured yet")
            continue
        measured = figures[name]
        spread = "" if measured.accuracy_std is None else f" +- {100 * measured.accuracy_std:.2f}"
        accuracy = f"{100 * measured.accuracy_mean:.2f}{spread} % (n={measured.num_seeds})"
        seconds = f"{recipe.epochs * measured.epoch_seconds:.0f}"
        table.add_row(name, f"{measured.parameters:,}", str(recipe.epochs), seconds, accuracy)
    console = out()
    console.print(table)
    for place in dict.fromkeys(f"{m.hardware}, {m.date}" for m in figures.values()):
        console.print(f"measured on {place}; see docs/reproduction.md")


def recipe_fields(recipe: Recipe) -> None:
    """One recipe with every field that --set can change."""
    table = Table(box=None, pad_edge=False)
    table.add_column("field", no_wrap=True)
    table.add_column(recipe.name, no_wrap=True)
    table.add_column("valid values")
    for field in fields(recipe):
        if field.name != "name":
            value = getattr(recipe, field.name)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            table.add_row(field.name, text, valid_values(field.name))
    out().print(table)


def data_fetched(source: str, paths: list[Path]) -> None:
    """The result of `data fetch`."""
    console = out()
    console.print(
        f"Fashion-MNIST, every file verified; from {source}", markup=False, soft_wrap=True
    )
    _paths(console, paths)


def data_verified(document: dict[str, Any]) -> None:
    """The result of `data verify`."""
    console = out()
    console.print(
        f"{document['data']}: {document['train']:,} training and {document['test']:,} test images, "
        f"every file verified; from {document['source']}",
        markup=False,
        soft_wrap=True,
    )
    for name, digest in document["sha256"].items():
        console.print(f"{digest}  {name}", markup=False, soft_wrap=True)


@contextmanager
def counting(total: int, what: str) -> Iterator[Callable[[], None]]:
    """Show a bar on stderr while something is done `total` times; call what it yields each time."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal or total <= FEW:
        yield lambda: None
        return
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # results are printed meanwhile, perhaps into a file
        redirect_stderr=False,
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda: progress.advance(task)


class JsonLines:
    """One JSON object per line, as soon as it is there."""

    def add(self, result: Prediction | Failure) -> None:
        print(json.dumps(result.to_json()), flush=True)

    def end(self) -> None:
        pass


class CsvLines:
    """A header, and a line per picture with the probability of every class."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        names = ("path", "label", "index", "confidence", "abstained", "reason", "error")
        self._writer.writerow([*names, *labels])

    def add(self, result: Prediction | Failure) -> None:
        path = printable(result.path)
        if isinstance(result, Failure):
            row: list[object] = [path, *[""] * 5, result.error, *[""] * len(self._labels)]
        else:
            shares = [f"{result.probs[label]:.6f}" for label in self._labels]
            figures = [result.index, f"{result.confidence:.6f}", str(result.abstained).lower()]
            row = [path, result.label, *figures, result.reason or "", "", *shares]
        self._writer.writerow(row)

    def end(self) -> None:
        pass


class PredictionTable:
    """For people: label, confidence and the next best answer."""

    def __init__(self) -> None:
        self._table = Table(box=None, pad_edge=False)
        self._table.add_column("picture", overflow="fold")
        self._table.add_column("shows", no_wrap=True)
        self._table.add_column("sure", justify="right", no_wrap=True)
        self._table.add_column("or else", no_wrap=True)

    def add(self, result: Prediction | Failure) -> None:
        path = Text(printable(result.path))
        if isinstance(result, Failure):
            self._table.add_row(path, Text(result.error, style="red"), "", "")
            return
        shares = sorted(result.probs.items(), key=lambda item: -item[1])
        (_, best), (second, next_best) = shares[:2]
        label = f"{result.label}?" if result.abstained else result.label
        style = "yellow" if result.abstained else ""
        other = f"{second} {100 * next_best:.0f} %" if next_best >= WORTH_SAYING else ""
        self._table.add_row(path, Text(label, style=style), f"{100 * best:.0f} %", other)

    def end(self) -> None:
        out().print(self._table)


def export_result(exported: Exported) -> None:
    """The result of `export`."""
    console = out()
    parity, latency = exported.parity, exported.latency_ms
    rows = Table(box=None, show_header=False, pad_edge=False)
    rows.add_row("format", exported.format)
    rows.add_row("bytes", f"{exported.bytes:,}")
    same = round(parity.top1_agreement * parity.num_examples)
    agreement = (
        f"same first answer as Keras on {same:,} of {parity.num_examples:,} test images; "
        f"probabilities within {parity.max_abs_diff:.1g}"
    )
    if parity.accuracy_change is not None:
        agreement += f"; accuracy {100 * parity.accuracy_change:+.2f} points"
    rows.add_row("parity", agreement)
    rows.add_row("one image", f"{latency.p50:.3f} ms (p50), {latency.p99:.3f} ms (p99)")
    console.print(rows)
    _paths(console, [exported.path])


def comparison_result(
    found: Comparison, split: str, reads: dict[str, int], paths: list[Path]
) -> None:
    """The result of `compare`."""
    console = out()
    table = Table(box=None, pad_edge=False)
    table.add_column("model", overflow="fold")
    table.add_column(f"right of {found.num_examples:,} {split} images", justify="right")
    table.add_column("95 %", justify="right", no_wrap=True)
    if split == "test":
        table.add_column("test looks", justify="right")
    for score in found.models:
        low, high = score.accuracy_ci95
        row = [score.model, f"{100 * score.accuracy:.2f} %", f"{100 * low:.2f} to {100 * high:.2f}"]
        table.add_row(*row, *([str(reads[score.model])] if split == "test" else []))
    console.print(table)
    for group in found.groups:
        if group.std is not None:
            runs = f"{len(group.models)} runs"
            mean = f"{100 * group.mean:.2f} +- {100 * group.std:.2f} %"
            console.print(f"{group.name}: {mean} over {runs}", markup=False)
    for sentence in found.sentences:
        console.print(sentence, markup=False, soft_wrap=not console.is_terminal)
    if len(found.pairs) == 1:
        _class_differences(console, found.pairs[0])
    _paths(console, paths)


def _class_differences(console: Console, pair: Pair) -> None:
    notable = [one for one in pair.per_class if one.p_value < 0.05]
    for one in notable:
        console.print(
            f"{one.label}: {pair.first} alone right on {one.only_first}, {pair.second} alone on "
            f"{one.only_second} (p = {one.p_value:.2g})",
            markup=False,
            soft_wrap=True,
        )


def audit_result(found: Audit, paths: list[Path]) -> None:
    """The result of `data audit`."""
    console = out()
    counts = [n for part in found.class_counts.values() for n in part.values()]
    balance = "balanced" if len(set(counts)) <= 2 else f"{min(counts):,} to {max(counts):,} images"
    console.print(f"classes: {balance}")
    console.print(
        f"labels: {len(found.suspects):,} of {found.num_train:,} are doubtful; {found.recipe} is "
        f"right on {100 * found.out_of_fold_accuracy:.2f} % of the images it was not trained on, "
        f"{100 * found.accuracy_without_suspects:.2f} % without the doubtful ones (which are "
        "doubtful because it disagrees)",
        soft_wrap=not console.is_terminal,
    )
    table = Table(box=None, pad_edge=False)
    for name in ("image", "label", "the model says", "quality"):
        table.add_column(name, justify="right" if name == "quality" else "left")
    for one in found.suspects[:NUM_SUSPECTS]:
        said = f"{one.suggested} {100 * one.p_suggested:.0f} %"
        table.add_row(str(one.index), one.label, said, f"{one.quality:.4f}")
    console.print(table)
    for pair in found.duplicates:
        console.print(
            f"{pair.between}: {pair.exact} exact duplicates, {pair.near} images with a near one "
            f"(r > 0.99), {pair.conflicts} of them with another label"
        )
    _paths(console, paths)


def report_result(document: dict[str, Any]) -> None:
    """The result of `report`."""
    console = out()
    low, high = document["accuracy_ci95"]
    console.print(
        f"[bold]{100 * document['accuracy']:.2f} %[/bold] of {document['num_examples']:,} "
        f"{document['split']} images right (95 % interval {100 * low:.2f} to {100 * high:.2f})"
    )
    for sentence in document["sentences"]:
        console.print(sentence, markup=False, soft_wrap=not console.is_terminal)
    print(document["path"])


def bench_train(document: dict[str, Any]) -> None:
    """Print one line per contender of `bench train`."""
    table = Table(box=None, pad_edge=False)
    for title in (
        "contender",
        "seconds",
        "CPU s",
        "ratio",
        "test accuracy",
        "s to target",
        "MiB",
        "GFLOP/s",
        "of peak",
    ):
        table.add_column(title, justify="left" if title == "contender" else "right")
    for row in document["summary"]:
        std = row["test_accuracy_std"]
        spread = f" +- {100 * std:.2f}" if std is not None else ""
        table.add_row(
            row["name"],
            f"{row['seconds']:.1f}",
            f"{row['cpu_seconds']:.1f}",
            _optional(row["ratio"], "1/{:.1f}"),
            f"{100 * row['test_accuracy_mean']:.2f}{spread} % (n = {row['runs']})",
            _optional(row["seconds_to_target"], "{:.1f}"),
            f"{row['peak_mib']:.0f}",
            _optional(row["gflops"], "{:.0f}"),
            _optional(row["utilisation"] and 100 * row["utilisation"], "{:.0f} %"),
        )
    console = out()
    console.print(table)
    console.print(
        f"target: {100 * document['target']:.2f} % of the validation images; seconds: medians; "
        f"ratio: median over the rounds, against {document['summary'][0]['name']}"
    )


def bench_predict(document: dict[str, Any]) -> None:
    """Print one line per way of `bench predict`."""
    table = Table(box=None, pad_edge=False)
    for title in (
        "way",
        "bytes",
        "load s",
        "p50 us",
        "p99 us",
        "faster",
        "images/s",
        "more",
        "MiB",
        "accuracy",
    ):
        table.add_column(title, justify="left" if title == "way" else "right")
    for row in document["summary"]:
        table.add_row(
            row["name"],
            f"{row['bytes']:,}",
            f"{row['load_seconds']:.2f}",
            f"{row['p50_us']:,.0f}",
            f"{row['p99_us']:,.0f}",
            _optional(row["times_faster"], "{:,.1f} x"),
            f"{max(row['images_per_second'].values()):,.0f}",
            _optional(row["times_throughput"], "{:.1f} x"),
            f"{row['peak_mib'] or 0:.0f}",
            f"{100 * row['validation_accuracy']:.2f} %",
        )
    console = out()
    console.print(table)
    console.print(
        "p50 and p99: one image at a time; images/s: at the best batch size and threads; accuracy: "
        "of the validation images; faster and more: than model.predict, medians over the rounds",
        soft_wrap=not console.is_terminal,
    )


def _optional(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
