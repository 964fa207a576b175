"""Fields of a recipe that decide which images are learned, and how they are changed."""

from dataclasses import dataclass

from ankleboot.core.types import IMAGE_SIZE
from ankleboot.recipes.cases import MIXED, THAWED
from ankleboot.recipes.image_spec import CROPS, FITS, IMAGE_SIZES
from ankleboot.recipes.option import Above, option
from ankleboot.recipes.search_range import Between, Each
from ankleboot.recipes.split_rule import MAX_FOLDS, SplitRule


@dataclass(frozen=True, kw_only=True)
class DataFields:
    """Images and their augmentation, fresh every epoch.

    The first four fields decide how photos become images.
    """

    image_size: int = option(IMAGE_SIZE, "Pixels per side.", IMAGE_SIZES)
    color: bool = option(False, "RGB images; otherwise gray.")
    crop: str = option(
        "garment",
        "Garment as in Fashion-MNIST, cut out in color on white, or the whole photo.",
        words=CROPS,
    )
    fit: str = option(
        "stretch",
        "Tall or wide photos: stretched, between gray bands, or cropped in the middle.",
        words=FITS,
        used_by={"crop": ("none",)},
    )
    split: str = option(
        SplitRule.split,
        "Validation images: the last ones, or drawn class by class.",
        words=("last", "stratified"),
    )
    validation_fraction: float = option(
        SplitRule.validation_fraction, "Fraction of the training file for validation.", (0.01, 0.9)
    )
    split_seed: int = option(
        0,
        "Seed of the draws of split=stratified, train_size and folds.",
        (0, 2**31 - 1),
        ({"split": ("stratified",)}, {"train_size": Above(0)}, {"folds": Above(0)}),
    )
    train_size: int = option(
        0, "Number of training images, drawn class by class; 0 = all.", (0, 10_000_000)
    )
    folds: int = option(
        0,
        "Number of folds of the training file, one of which neither trains nor validates but is "
        "held out; 0 = none.",
        (0, MAX_FOLDS),
    )
    fold: int = option(1, "Number of the held-out fold.", (1, MAX_FOLDS), {"folds": Above(0)})

    flip: bool = option(
        False,
        "Mirror half of the images, left to right.",
        used_by=THAWED,
        search=Each(),
        searched=True,
    )
    max_shift: int = option(
        0,
        "Largest shift in each direction, in pixels.",
        (0, IMAGE_SIZES[1] // 2),
        THAWED,
        search=Between(0, 3),
        searched=True,
    )
    rotation: float = option(
        0.0, "Largest rotation either way, in degrees.", (0.0, 180.0), THAWED, search=Between(0, 15)
    )
    scale_jitter: float = option(
        0.0, "Largest change of size, as a fraction.", (0.0, 0.9), THAWED, search=Between(0, 0.25)
    )
    aspect_jitter: float = option(
        0.0, "Largest change of aspect, as a fraction.", (0.0, 1.0), THAWED, search=Between(0, 0.25)
    )
    random_erasing: float = option(
        0.0,
        "Probability of a random rectangle of noise.",
        (0.0, 1.0),
        THAWED,
        search=Between(0, 0.5),
        searched=True,
    )
    mixup: float = option(
        0.0,
        "Share of images blended with another one, targets likewise.",
        (0.0, 1.0),
        THAWED,
        search=Between(0, 0.5),
    )
    cutmix: float = option(
        0.0,
        "Share of images with a rectangle of another one, targets by area.",
        (0.0, 1.0),
        THAWED,
        search=Between(0, 0.5),
    )
    mix_alpha: float = option(
        1.0, "Both parameters of the Beta distribution of mixup and cutmix.", (0.01, 10.0), MIXED
    )
    color_jitter: float = option(
        0.0,
        "Largest change of brightness, contrast and color, as a fraction.",
        (0.0, 0.9),
        THAWED,
        search=Between(0, 0.4),
    )
    photo_simulation: float = option(
        0.0,
        "Share of images with the faults of a converted photo.",
        (0.0, 1.0),
        {**THAWED, "crop": ("garment",)},
    )
    augmentation: str = option(
        "",
        "Further augmentation by a plugin; empty = none.",
        plugins="augmentations",
        used_by=THAWED,
    )
