"""Figures before they are drawn: numbers and words. `draw` imports matplotlib."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Dots:
    """A line per variant, a dot per run, and the mean with its interval."""

    title: str
    values: Mapping[str, Sequence[float | int]]
    label: str
    is_picture: bool = False

    def draw(self) -> "Figure":
        """Draw it."""
        from ankleboot.evaluation import plots

        return plots.strip_plot(self.values, self.label)


@dataclass(frozen=True)
class Curves:
    """A curve per variant over something that they share: the mean, and a band of all runs.

    Attributes:
        places: Where each curve's values stand.
        values: By variant: (runs, places).
        names: Of the places 0, 1, 2 and so on, where they are no numbers.
    """

    title: str
    places: Mapping[str, Sequence[float | int]]
    values: Mapping[str, np.ndarray]
    x_label: str
    y_label: str
    names: Sequence[str] = ()
    log_x: bool = False
    is_picture: bool = False

    def draw(self) -> "Figure":
        """Draw it."""
        from ankleboot.evaluation import plots

        labels = (self.x_label, self.y_label)
        return plots.curves_with_range(
            self.places, self.values, *labels, names=self.names, log_x=self.log_x
        )


@dataclass(frozen=True)
class Price:
    """What each variant costs and what it brings: a cross of means and ranges."""

    title: str
    costs: Mapping[str, Sequence[float | int]]
    gains: Mapping[str, Sequence[float | int]]
    x_label: str
    y_label: str
    log_x: bool = True
    is_picture: bool = False

    def draw(self) -> "Figure":
        """Draw it."""
        from ankleboot.evaluation import plots

        return plots.cost_benefit(
            self.costs, self.gains, self.x_label, self.y_label, log_x=self.log_x
        )


@dataclass(frozen=True)
class Tiles:
    """Rows of small images, each with a name before it and words below its images."""

    title: str
    rows: Mapping[str, Sequence[np.ndarray]]
    captions: Mapping[str, Sequence[str]]
    signed: bool = False  # red for positive, blue for negative values
    is_picture: bool = True

    def draw(self) -> "Figure":
        """Draw it."""
        from ankleboot.evaluation import plots

        return plots.image_rows(self.rows, self.captions, signed=self.signed)


@dataclass(frozen=True)
class Bars:
    """A bar per name."""

    title: str
    names: Sequence[str]
    values: Sequence[float | int]
    label: str
    is_picture: bool = False

    def draw(self) -> "Figure":
        """Draw it."""
        from ankleboot.evaluation import plots

        return plots.bars(self.names, self.values, self.label)


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix."""

    title: str
    counts: Sequence[Sequence[int]]
    names: Sequence[str]
    is_picture: bool = True

    def draw(self) -> "Figure":
        """Draw it."""
        from ankleboot.evaluation import plots

        return plots.confusion_heatmap(np.array(self.counts), self.names)
