"""Selection of the data and the images that a recipe or a model is evaluated on."""

from typing import Protocol, runtime_checkable

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.load import load_data, load_training_data
from ankleboot.data.verify_data import verify_folder_unchanged
from ankleboot.inference.load import ResolvedModel
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.recipe import Recipe


@runtime_checkable
class DataLoader(Protocol):
    """Function that loads data for an image spec, such as that of the command line's options.

    `run` or the name `known` says what a model learned.
    """

    def __call__(
        self, image_spec: ImageSpec, *, run: Run | None = None, known: str = ""
    ) -> Dataset: ...


DataSource = Dataset | DataLoader | None
"""A data set, a function that loads one, or None for the data that a model was trained on."""


def dataset_for(
    model: ResolvedModel, data: DataSource, image_spec: ImageSpec | None = None
) -> Dataset:
    """Return the data set to evaluate a model on, by default in the model's image spec.

    Raises:
        DataError: If the run's image folder has changed since the model was trained.
    """
    run = model.run
    if isinstance(data, Dataset):
        if run is not None:
            verify_folder_unchanged(run, data)
        return data
    spec = image_spec or model.predictor.info.image_spec
    known = "" if run else model.predictor.info.data
    if data is not None:
        return data(spec, run=run, known=known)
    if run is not None:
        return load_training_data(run, image_spec=spec)
    return load_data(known or "fashion-mnist", image_spec=spec, trust=False)


def select_split(data: Dataset, split: str, model: Recipe | ModelMetadata) -> LabeledImages:
    """Return the images of the split "validation" or "test".

    Raises:
        DataError: If the data has no test split, or has changed since the model was trained.
        UsageError: If the model has other classes, or was trained on other data.
    """
    if isinstance(model, ModelMetadata) and model.labels != data.class_names:
        raise UsageError(
            f"the model's classes are {', '.join(model.labels)}; "
            f"those of {data.name} are {', '.join(data.class_names)}"
        )
    if split != "test":
        return validation_images(model, data)
    if not len(data.test):
        raise DataError(f"{data.name} has no test split; take --split validation")
    return data.test


def validation_images(model: Recipe | ModelMetadata, data: Dataset) -> LabeledImages:
    """Return the images of `data.train` that a recipe or a model holds out.

    Raises:
        DataError: If the data has changed since the model was trained.
        UsageError: If a model was trained on another data set: which images it knows is unknown.
    """
    if isinstance(model, ModelMetadata) and model.data_sha256 != data.train_sha256:
        if model.data_sha256 and model.data == data.name:
            raise DataError(
                f"{data.name} has changed since the model was trained: which images are new to it "
                "is unknown"
            )
        if model.data not in ("", data.name):
            raise UsageError(
                f"the model was trained on {model.data}; it has no validation images in "
                f"{data.name}, take --split test"
            )
    return data.train.take(data.split(model.split_rule).validation)
