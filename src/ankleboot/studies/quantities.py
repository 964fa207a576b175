"""Quantities of the studies: names, units, digits, order of merit."""

from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True)
class Quantity:
    """A number of every run of a study.

    Attributes:
        key: Key in the measures of a row.
        words: Name in a sentence: "validation accuracy".
        title: Title of the column in a table.
        unit: Suffix of the number; differences in " %" are in " points".
        scale: Factor applied before formatting.
        more_is_better: None without an order of merit.
    """

    key: str
    words: str
    title: str
    unit: str = ""
    scale: float = 1.0
    digits: int = 2
    more_is_better: bool | None = None

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


def _share(
    key: str, words: str, title: str, *, better: bool | None = None, digits: int = 2
) -> Quantity:
    return Quantity(key, words, f"{title}, %", " %", 100.0, digits, better)


_good = partial(_share, better=True)
_QUANTITIES = (
    _good("accuracy", "validation accuracy", "accuracy"),
    Quantity("loss", "validation loss", "loss", digits=4, more_is_better=False),
    _share("train_accuracy", "training accuracy", "training accuracy"),
    _share("ece", "calibration error", "calibration error", better=False),
    _good("shifted_accuracy", "accuracy on images shifted by 2 pixels", "shifted by 2 pixels"),
    _good(
        "unchanged",
        "answers that a shift by 1 pixel leaves as they were",
        "answers kept, shifted by 1",
    ),
    Quantity("num_train", "training images", "training images", digits=0),
    Quantity("parameters", "parameters", "parameters", digits=0),
    Quantity("train_seconds", "seconds of training", "training, s", " s", digits=1),
    Quantity("forward_mflop", "MFLOP an image", "MFLOP an image"),
    Quantity("activation_kib", "KiB of maps an image", "maps, KiB", digits=0),
    Quantity("images_per_second", "images a second", "images a second", digits=0),
    Quantity("peak_mib", "MiB at the peak of training", "peak MiB", digits=0),
    _share("known_accuracy", "accuracy on training images", "training accuracy"),
    Quantity("gap", "the gap between the accuracies", "gap, points", " points", 100.0),
    Quantity("best_epoch", "epoch of the lowest validation loss", "best epoch", digits=1),
    _share("loss_rise", "rise of the validation loss", "loss rise", better=False, digits=0),
    Quantity(
        "epochs_to_85",
        "the number of epochs until 85 % are right",
        "epochs to 85 %",
        digits=1,
        more_is_better=False,
    ),
    Quantity("first_gradient", "gradient of the first kernel", "first gradient"),
    Quantity("last_gradient", "gradient of the last kernel", "last gradient"),
    Quantity(
        "stable_rate_log2",
        "largest stable learning rate as a power of two",
        "stable rate, power of 2",
        digits=1,
        more_is_better=True,
    ),
    _share("merged_accuracy", "accuracy with the pair merged", "pair merged"),
    _share("merged_upper_accuracy", "accuracy with all four merged", "four merged"),
    _share("doubted", "labels doubted", "labels doubted", digits=1),
    _share("doubted_errors", "labels of errors doubted", "of errors", digits=1),
    _share("doubted_pair", "labels of the pair doubted", "of the pair", digits=1),
    _share("same_error", "same wrong answer to errors", "same error", digits=1),
    _share("same_error_pair", "same wrong answer", "same error, pair", digits=1),
    _share("right_there", "right answers there", "right, pair", digits=1),
    Quantity("gabor_match", "likeness to Gabor's patterns", "like Gabor's", digits=3),
    Quantity("sobel_match", "likeness to Sobel's edges", "like Sobel's", digits=3),
    _good("probe_pixels", "accuracy of a linear reader of pixels", "linear: pixels"),
    _good("probe_deepest", "accuracy of a linear reader of the last block", "linear: last block"),
    Quantity("median_drop", "cost of the median filter", "median filter, points", " points", 100.0),
    Quantity("largest_drop", "cost of one filter", "most needed filter, points", " points", 100.0),
    Quantity("receptive_field", "receptive field in pixels", "receptive field", digits=0),
)

QUANTITIES = {quantity.key: quantity for quantity in _QUANTITIES}
"""Quantities by their key in the measures of a row."""
