"""Steps between a photo and the image that a model takes, as pixels to look at."""

import numpy as np

from ankleboot.core.paths import AnyPath
from ankleboot.data.preprocessing.visualize import preprocessing_images
from ankleboot.inference.load import Model
from ankleboot.inference.predict import prepare_image, read_pixels
from ankleboot.inference.router import load_router


def preprocessing_steps(
    image_or_path: np.ndarray | AnyPath, model: Model = "pretrained"
) -> list[tuple[str, np.ndarray]]:
    """Return the photo, the steps of its preprocessing and the model's input, by name.

        ankleboot.preprocessing_steps("boot.jpg")   # [("photo", pixels), ...]

    Args:
        image_or_path: As one of those that `predict` takes.
        model: As for `predict`.

    Returns:
        Pairs of a name and uint8 pixels, gray or RGB. A garment on a background that is not plain
        has steps of its own; other models have the photo and their input alone. The model for
        photos has two inputs, the garment and the whole photo.

    Raises:
        DataError: If the file is no image, damaged, or too large.
        ModelError: If there is no such model, or it cannot be loaded.
    """
    prepared = prepare_image(read_pixels(image_or_path), load_router(model))
    return preprocessing_images(prepared.decoded.pixels, prepared.garment, prepared.image)
