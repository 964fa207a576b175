"""Rule that divides the training file into training and validation images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SplitRule:
    """Fields of a recipe that decide its split; every recipe and every model file has a rule.

    Attributes:
        split: "last": the last images validate; "stratified": they are drawn class by class.
        validation_fraction: Fraction of the training file for validation.
        split_seed: Seed of the draws.
        train_size: Number of training images, drawn class by class; 0 keeps all.
    """

    split: str = "last"
    validation_fraction: float = 0.2
    split_seed: int = 0
    train_size: int = 0
