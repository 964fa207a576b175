"""Rule that divides the training file into training, validation and perhaps held-out images."""

from dataclasses import dataclass

MIN_FOLDS, MAX_FOLDS = 2, 1_000


@dataclass(frozen=True)
class SplitRule:
    """Fields of a recipe that decide its split; recipes and model files have these defaults."""

    split: str = "last"  # images validate; "stratified": they are drawn class by class
    validation_fraction: float = 0.2  # of the training file
    split_seed: int = 0  # of the draws
    train_size: int = 0  # images, drawn class by class; 0 keeps all
    folds: int = 0  # of a cross-validation; 0 holds no fold out
    fold: int = 1  # that is held out, from 1
