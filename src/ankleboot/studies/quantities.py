"""Quantities of the studies: names, units, digits, order of merit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """A number of every run of a study.

    Attributes:
        key: Key in the measures of a row.
        words: Name in a sentence: "validation accuracy".
        title: Title of the column in a table.
        unit: Suffix of the number; differences in " %" are in " points".
        scale: Factor applied before formatting.
        digits: Number of decimals.
        more_is_better: Whether larger is better; None without an order of merit.
    """

    key: str
    words: str
    title: str
    unit: str = ""
    scale: float = 1.0
    digits: int = 2
    more_is_better: bool | None = None

    def format(self, value: float) -> str:
        """Format a number with its unit."""
        return f"{self.number(value)}{self.unit}"

    def number(self, value: float) -> str:
        """Format a number without its unit."""
        return f"{self.scale * value:,.{self.digits}f}"

    def difference(self, value: float) -> str:
        """Format a difference of two such numbers with sign and unit."""
        unit = " points" if self.unit == " %" else self.unit
        return f"{self.scale * value:+,.{self.digits}f}{unit}"

    def range(self, bounds: tuple[float, float]) -> str:
        """Format an interval without its unit."""
        return f"{self.number(bounds[0])} to {self.number(bounds[1])}"


def _share(key: str, words: str, title: str, *, better: bool | None, digits: int = 2) -> Quantity:
    return Quantity(key, words, f"{title}, %", " %", 100.0, digits, better)


_QUANTITIES = (
    _share("accuracy", "validation accuracy", "accuracy", better=True),
    Quantity("loss", "validation loss", "loss", digits=4, more_is_better=False),
    _share("train_accuracy", "training accuracy", "training accuracy", better=None),
    _share("ece", "calibration error", "calibration error", better=False),
    _share(
        "shifted_accuracy",
        "accuracy on images shifted by 2 pixels",
        "shifted by 2 pixels",
        better=True,
    ),
    _share(
        "unchanged",
        "answers that a shift by 1 pixel leaves as they were",
        "answers kept, shifted by 1",
        better=True,
    ),
    Quantity("parameters", "parameters", "parameters", digits=0),
    Quantity("train_seconds", "seconds of training", "training, s", " s", digits=1),
    Quantity("forward_mflop", "MFLOP an image", "MFLOP an image"),
    Quantity("activation_kib", "KiB of maps an image", "maps, KiB", digits=0),
    Quantity("images_per_second", "images a second", "images a second", digits=0),
    Quantity("peak_mib", "MiB at the peak of training", "peak MiB", digits=0),
    _share("known_accuracy", "accuracy on training images", "training accuracy", better=None),
    Quantity("gap", "gap between the accuracies", "gap, points", " points", 100.0),
    Quantity("best_epoch", "epoch of the lowest validation loss", "best epoch", digits=1),
    _share("loss_rise", "rise of the validation loss", "loss rise", better=False, digits=0),
    Quantity(
        "epochs_to_85",
        "epochs until 85 % are right",
        "epochs to 85 %",
        digits=1,
        more_is_better=False,
    ),
    Quantity("first_gradient", "gradient of the first kernel", "first gradient", digits=2),
    Quantity("last_gradient", "gradient of the last kernel", "last gradient", digits=2),
    Quantity(
        "stable_rate_log2",
        "largest stable learning rate as a power of two",
        "stable rate, power of 2",
        digits=1,
        more_is_better=True,
    ),
    _share("merged_accuracy", "accuracy with the pair merged", "pair merged", better=None),
    _share("merged_upper_accuracy", "accuracy with all four merged", "four merged", better=None),
    _share("doubted", "labels doubted", "labels doubted", better=None, digits=1),
    _share("doubted_errors", "labels of errors doubted", "of errors", better=None, digits=1),
    _share("doubted_pair", "labels of the pair doubted", "of the pair", better=None, digits=1),
    _share("same_error", "same wrong answer to errors", "same error", better=None, digits=1),
    _share("same_error_pair", "same wrong answer", "same error, pair", better=None, digits=1),
    _share("right_there", "right answers there", "right, pair", better=None, digits=1),
    Quantity("gabor_match", "likeness to Gabor's patterns", "like Gabor's", digits=3),
    Quantity("sobel_match", "likeness to Sobel's edges", "like Sobel's", digits=3),
    _share("probe_pixels", "accuracy of a linear reader of pixels", "linear: pixels", better=True),
    _share(
        "probe_deepest",
        "accuracy of a linear reader of the last block",
        "linear: last block",
        better=True,
    ),
    Quantity("median_drop", "cost of the median filter", "median filter, points", " points", 100.0),
    Quantity("largest_drop", "cost of one filter", "most needed filter, points", " points", 100.0),
    Quantity("receptive_field", "receptive field in pixels", "receptive field", digits=0),
)

QUANTITIES = {quantity.key: quantity for quantity in _QUANTITIES}
"""Quantities by their key in the measures of a row."""
