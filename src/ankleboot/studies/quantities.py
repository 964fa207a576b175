"""What the figures of the studies are called, in which unit, and whether more of them is better."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """A number that every run of a study has.

    Attributes:
        key: In a row's measures.
        words: For a sentence: "validation accuracy".
        title: For a table.
        unit: Behind the number; " points" of differences where it is " %".
        scale: What the number is multiplied by before it is shown.
        digits: Behind the point.
        more_is_better: None where it is neither good nor bad.
    """

    key: str
    words: str
    title: str
    unit: str = ""
    scale: float = 1
    digits: int = 2
    more_is_better: bool | None = None

    def show(self, value: float) -> str:
        """The number with its unit."""
        return f"{self.number(value)}{self.unit}"

    def number(self, value: float) -> str:
        """The number alone."""
        return f"{self.scale * value:,.{self.digits}f}"

    def difference(self, value: float) -> str:
        """A difference of two such numbers, with its sign."""
        unit = " points" if self.unit == " %" else self.unit
        return f"{self.scale * value:+,.{self.digits}f}{unit}"


def _share(key: str, words: str, title: str, *, better: bool | None, digits: int = 2) -> Quantity:
    return Quantity(key, words, f"{title}, %", " %", 100, digits, better)


_ALL = (
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
    Quantity("receptive_field", "receptive field in pixels", "receptive field", digits=0),
)

QUANTITIES = {one.key: one for one in _ALL}
"""By the key in a row's measures."""
