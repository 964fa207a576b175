"""Summary card of a run: one picture for a slide."""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ankleboot import __version__
from ankleboot.core.files import atomic_write, make_folder
from ankleboot.core.text import truncate_middle
from ankleboot.evaluation.plots.style import TRAIN_COLOR, VALIDATION_COLOR, draw_figure
from ankleboot.evaluation.report.headline import build_headline
from ankleboot.evaluation.report.inputs import ReportInputs

SIZE = (12.0, 6.3)  # inches; 1200 x 630 pixels at 100 an inch, as previews of links have
INK, SOFT, LINE = "#1d1d1f", "#67645e", "#e2ded6"
MAX_NAMED_CLASSES = 12
VERDICT_WIDTH = 52  # characters of a line


def save_card(inputs: ReportInputs, path: Path) -> None:
    """Write the card as a PNG file; an existing file is replaced."""
    make_folder(path.parent)
    figure = draw_card(inputs)
    atomic_write(path, lambda temp: draw_figure(figure, temp, dpi=100), suffix=path.suffix)


def draw_card(inputs: ReportInputs) -> Figure:
    """Draw accuracy with its interval, verdict, confusions, model and versions."""
    headline, figure = build_headline(inputs), Figure(figsize=SIZE, facecolor="white")
    evaluation = inputs.evaluation
    _write(figure, 0.9, truncate_middle(headline.data, 34), 26, INK, weight="bold")
    count = f"{evaluation.num_examples:,} {evaluation.split} images, {len(inputs.data.class_names)}"
    _write(figure, 0.835, f"{count} classes", 15, SOFT)
    size = 86 if headline.number.endswith("%") else 60
    _write(figure, 0.625, headline.number, size, INK, weight="bold")
    interval = f"correct; 95 % interval {headline.low} to {headline.high} %"
    _write(figure, 0.47, interval, 16, INK)
    _draw_interval(figure, evaluation.accuracy, evaluation.accuracy_ci95)
    verdict = "\n".join(textwrap.wrap(headline.verdict, VERDICT_WIDTH)[:3])
    _write(figure, 0.30, verdict, 15, INK, linespacing=1.35)
    _write(figure, 0.1, _model(inputs), 12, SOFT, linespacing=1.5)
    _draw_confusions(figure, inputs)
    return figure


def _write(figure: Figure, y: float, text: str, size: int, color: str, **style: Any) -> None:
    figure.text(0.05, y, text, fontsize=size, color=color, va="center", **style)


def _draw_interval(figure: Figure, accuracy: float, interval: tuple[float, float]) -> None:
    axes = figure.add_axes((0.055, 0.395, 0.44, 0.04))
    axes.set(xlim=(0, 1), ylim=(-1, 1))
    axes.axis("off")
    style: dict[str, Any] = {"solid_capstyle": "round", "clip_on": False}
    axes.plot([0, 1], [0, 0], color=LINE, linewidth=8, **style)
    axes.plot(interval, [0, 0], color=TRAIN_COLOR, linewidth=8, **style)
    point: dict[str, Any] = {
        "marker": "o",
        "markersize": 11,
        "markeredgecolor": TRAIN_COLOR,
        "zorder": 3,
    }
    axes.plot([accuracy], [0], color="white", markeredgewidth=3, clip_on=False, **point)


def _model(inputs: ReportInputs) -> str:
    """Describe the model, its size, and what made it, in two lines."""
    run, result = inputs.run, inputs.run.result()
    size = run.model_path.stat().st_size
    name = inputs.adopted or f"{result['recipe']}, seed {result['seed']}"
    facts = [truncate_middle(name, 30)]
    if result["parameters"]:
        facts.append(f"{result['parameters']:,} parameters")
    facts.append(f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB")
    manifest = run.manifest()
    versions = [f"Ankleboot {__version__}"]
    versions += [f"{k} {v}" for k, v in manifest["versions"].items() if k == "keras"]
    versions += filter(None, [manifest.get("created", "")[:10]])
    return f"{' · '.join(facts)}\n{' · '.join(versions)}"


def _draw_confusions(figure: Figure, inputs: ReportInputs) -> None:
    """Draw the confusion matrix: errors in color, correct predictions in gray."""
    matrix = np.array(inputs.evaluation.confusion_matrix)
    percent = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    is_correct = np.eye(len(matrix), dtype=bool)
    axes = figure.add_axes((0.63, 0.2, 0.34, 0.648))
    gray = LinearSegmentedColormap.from_list("gray", ["#ffffff", "#dcd8d0"])
    orange = LinearSegmentedColormap.from_list("orange", ["#ffffff", VALIDATION_COLOR])
    axes.imshow(np.where(is_correct, percent, np.nan), cmap=gray, vmin=0, vmax=100)
    errors = np.where(is_correct | (matrix == 0), np.nan, np.sqrt(percent))
    highest = float(np.nanmax(errors)) if np.isfinite(errors).any() else 1.0
    axes.imshow(errors, cmap=orange, vmin=0, vmax=highest)
    names = [truncate_middle(name, 14) for name in inputs.data.class_names]
    shown = names if len(names) <= MAX_NAMED_CLASSES else []
    axes.set_xticks(range(len(shown)), shown, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(shown)), shown)
    axes.tick_params(length=0, labelsize=10.5, labelcolor=SOFT)
    axes.spines[:].set_color(LINE)
    if shown:
        for row, column in np.argwhere(matrix):
            text = str(matrix[row, column])
            axes.text(column, row, text, ha="center", va="center", fontsize=9.5, color=INK)
    axes.set_title("true class by predicted class", fontsize=12, color=SOFT, loc="left", pad=10)
