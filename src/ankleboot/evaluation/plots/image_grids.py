"""Figures made of images: samples, label issues, duplicates, errors, features."""

from collections.abc import Sequence
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ankleboot.core.text import truncate_middle
from ankleboot.core.types import Images, Labels, Pixels, SomeImages
from ankleboot.evaluation.label_issues import LabelIssue

MAX_CLASSES = 30  # in a figure
MAX_ISSUES = 60
MAX_DUPLICATES = 30
IMAGES_PER_CLASS = 8
NUM_FEATURE_MAPS = 8
STRIP_SIDE = 64  # pixels of a map in a strip
GRAY: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255}
GAP = 0.06  # inches between neighboring images


class ImageGrid:
    """Figure of images in rows and columns, on one pair of axes: 80 pairs take two seconds.

    A cell has the width and height of an image with its texts; `left` is the space for the names of
    the rows, `top` that above the images, and `bottom` that below; all in inches.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        cell: tuple[float, float],
        left: float = 0.0,
        top: float = 0.0,
        bottom: float = 0.0,
    ) -> None:
        self._cell, self._left, self._top = cell, left, top
        size = left + columns * cell[0], top + rows * cell[1] + bottom
        self.figure = Figure(figsize=size)
        self._axes = self.figure.add_axes((0, 0, 1, 1), autoscale_on=False)
        self._axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
        self._axes.axis("off")

    def name_row(self, row: int, name: str, fontsize: float) -> None:
        """Write a name to the left of a row."""
        y = self._top + (row + 0.5) * self._cell[1]
        self._axes.text(self._left - GAP, y, name, fontsize=fontsize, ha="right", va="center")

    def draw(
        self,
        row: int,
        column: int,
        image: np.ndarray,
        title: str = "",
        caption: str = "",
        fontsize: float = 9.0,
        span: int = 1,
        **style: Any,
    ) -> None:
        """Draw an image, as large as its cell allows, with a title above and a caption below.

        With a `span` of 2 the image takes two rows and two columns.
        """
        width, height = span * self._cell[0], span * self._cell[1]
        longest = max(map(len, [*title.split("\n"), *caption.split("\n")]))
        fontsize = min(fontsize, 72 * width / (0.55 * max(longest, 1)))
        line = 1.3 * fontsize / 72
        above, below = (line * len(text.splitlines()) for text in (title, caption))
        room = height - above - below - GAP
        scale = min((width - GAP) / image.shape[1], room / image.shape[0])
        x = self._left + column * self._cell[0] + width / 2
        y = self._top + row * self._cell[1] + above + GAP / 2
        right, lower = x + scale * image.shape[1] / 2, y + scale * image.shape[0]
        extent = (2 * x - right, right, lower, y)
        self._axes.imshow(image, extent=extent, aspect="auto", **(style or GRAY))
        place: dict[str, Any] = {"fontsize": fontsize, "ha": "center"}
        self._axes.text(x, y - 0.02, title, va="bottom", **place)
        self._axes.text(x, lower + 0.02, caption, va="top", **place)


def samples(images: Images, labels: Labels, class_names: tuple[str, ...]) -> Figure:
    """Draw the first images of every class in a row with its name."""
    names = class_names[:MAX_CLASSES]
    grid = ImageGrid(len(names), IMAGES_PER_CLASS, (0.95, 0.95), left=1.6)
    for label, name in enumerate(names):
        grid.name_row(label, truncate_middle(name), 11.0)
        for column, index in enumerate(np.flatnonzero(labels == label)[:IMAGES_PER_CLASS]):
            grid.draw(label, column, images[index], **(GRAY | {"cmap": "gray_r"}))
    return grid.figure


def suspects(issues: tuple[LabelIssue, ...], images: Images) -> Figure:
    """Draw the most doubtful labels: label above, suggested label below."""
    titled = []
    for issue in issues[:MAX_ISSUES]:
        suggested = f"{truncate_middle(issue.suggested)}? {100 * issue.p_suggested:.0f} %"
        name = [truncate_middle(issue.file, 32)] if issue.file else []
        lines = [*name, truncate_middle(issue.label), suggested]
        titled.append((images[issue.index], "\n".join(lines)))
    return draw_images(titled, columns=10, row_height=1.75)


def duplicates(
    pairs: tuple[tuple[int, int, float], ...], second: SomeImages, first: SomeImages
) -> Figure:
    """Draw near duplicates side by side, the most similar first."""
    titled = [
        (np.hstack([second[a], first[b]]), f"{a} and {b}, r = {r:.4f}")
        for a, b, r in pairs[:MAX_DUPLICATES]
    ]
    return draw_images(titled, columns=6, row_height=1.5)


def wrong_photos(wrong: list[tuple[Pixels, str, str]]) -> Figure:
    """Draw photos with their true and their predicted class."""
    titled = [
        (pixels, f"{truncate_middle(label)}\npredicted: {truncate_middle(predicted)}")
        for pixels, label, predicted in wrong
    ]
    return draw_images(titled, columns=8, row_height=2.3)


def filters(kernels: np.ndarray) -> Figure:
    """Draw the first convolution's kernels: positive weights red, negative ones blue."""
    columns = min(16, len(kernels))
    grid = ImageGrid(-(-len(kernels) // columns), columns, (0.62, 0.62))
    limit = float(np.abs(kernels).max()) or 1.0
    for i, kernel in enumerate(kernels):
        grid.draw(*divmod(i, columns), kernel, cmap="coolwarm", vmin=-limit, vmax=limit)
    return grid.figure


def feature_maps(maps: dict[str, np.ndarray]) -> Figure:
    """Draw the first eight feature maps of each layer."""
    grid = ImageGrid(len(maps), NUM_FEATURE_MAPS, (1.05, 1.05), left=1.05)
    for row, (name, values) in enumerate(maps.items()):
        grid.name_row(row, name, 7.0)
        for column, channel in enumerate(np.moveaxis(values, -1, 0)[:NUM_FEATURE_MAPS]):
            grid.draw(row, column, channel, cmap="viridis")
    return grid.figure


def feature_strip(values: np.ndarray) -> np.ndarray:
    """Return the first eight feature maps (height, width, channels) side by side, in colors."""
    tiles = []
    for channel in np.moveaxis(values, -1, 0)[:NUM_FEATURE_MAPS]:
        low, high = float(channel.min()), float(channel.max())
        scaled = (channel - low) / max(high - low, 1e-9)
        method = cv2.INTER_NEAREST if len(channel) < STRIP_SIDE else cv2.INTER_AREA
        resized = cv2.resize(scaled, (STRIP_SIDE, STRIP_SIDE), interpolation=method)
        colors = (255 * mpl.colormaps["viridis"](resized)[..., :3]).astype(np.uint8)
        tiles.append(np.pad(colors, ((0, 0), (0, 3), (0, 0)), constant_values=150))
    return np.hstack(tiles)


def draw_images(
    titled: Sequence[tuple[np.ndarray, str]], *, columns: int, row_height: float, top: float = 0.0
) -> Figure:
    """Draw images with their titles, in rows of 14 inches."""
    rows = max(1, -(-len(titled) // columns))
    grid = ImageGrid(rows, columns, (14 / columns, row_height), top=top)
    for i, (image, title) in enumerate(titled):
        grid.draw(*divmod(i, columns), image, title)
    return grid.figure
