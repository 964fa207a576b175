"""Selection of the data and the images that a recipe or a model is evaluated on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from ankleboot.core.errors import AnklebootError, DataError, UsageError
from ankleboot.core.splits import SPLITS
from ankleboot.core.text import unknown_name
from ankleboot.core.types import Indices
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.fingerprints import fingerprints
from ankleboot.data.load import load_data, load_training_data
from ankleboot.data.verify_data import is_same_folder, verify_folder_unchanged
from ankleboot.inference.load import ResolvedModel
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run, find_run
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


UNKNOWN = "{} was trained elsewhere, so whether it learned the validation images is unknown"


@dataclass(frozen=True)
class JudgedImages:
    """Images of a data set that models are judged on.

    Attributes:
        rows: Positions in `data.test` for the split "test", else in `data.train`.
        split: "validation", "test", "held-out" for the fold of a cross-validation, or "new" for
            labeled images that no model has learned.
        notes: What was decided about the images, for the user.
    """

    rows: Indices
    split: str
    notes: tuple[str, ...] = ()

    def of(self, data: Dataset) -> LabeledImages:
        """Take the images; `data` may have another image spec."""
        return (data.test if self.split == "test" else data.train).take(self.rows)


def dataset_for(
    model: ResolvedModel, data: DataSource, image_spec: ImageSpec | None = None
) -> Dataset:
    """Return the data set to evaluate a model on, by default in the model's image spec.

    Labels are numbered as the model numbers its classes, of which the data may lack some.

    Raises:
        DataError: If the run's image folder has changed since the model was trained.
    """
    run = run_of(model)
    if isinstance(data, Dataset):
        if run is not None:
            verify_folder_unchanged(run, data)
        return _in_order_of(data, model.info.labels)
    spec = image_spec or model.info.image_spec
    known = "" if run else model.info.data
    if data is not None:
        loaded = data(spec, run=run, known=known)
    elif run is not None:
        loaded = load_training_data(run, image_spec=spec)
    else:
        loaded = load_data(known or "fashion-mnist", image_spec=spec, trust=False)
    return _in_order_of(loaded, model.info.labels)


def run_of(model: ResolvedModel) -> Run | None:
    """Return the run that a model belongs to; an export in a run's folder belongs to that run.

    The models of an ensemble learned the same data, so the run of the first stands for all.
    """
    if model.members:
        return run_of(model.members[0])
    if model.run is not None or model.path is None:
        return model.run
    run = find_run(model.path.resolve().parent.parent)
    if run is None or not run.is_complete:
        return None
    is_export = run.result()["model_sha256"] == model.predictor.info.model_sha256
    return run if is_export else None


def judged_images(
    models: Sequence[ResolvedModel], data: Dataset, split: str | None
) -> JudgedImages:
    """Choose the images of a data set that are new to all of the models.

    Data without a test split that no model was trained on are judged as a whole, whatever `split`
    says: all of their images are new. Without `split`, models are judged on validation images, or
    on the held-out ones of their fold, but on the test split if one was adopted: which images it
    learned is unknown.

    Raises:
        DataError: If the data has no test split, has changed since a model was trained, or has no
            new image.
        UsageError: If the split is unknown, a model has other classes, two have different
            validation or held-out images, or one holds no fold out that was asked for.
    """
    if split not in (None, *SPLITS):
        raise UsageError(unknown_name("split", split, SPLITS))
    models = [member for model in models for member in model.members or (model,)]
    infos = [model.predictor.info for model in models]
    for info in infos:
        _refuse_other_classes(info, data)
    trained_on = [
        model
        for model in models
        if not is_new_data(model.predictor.info, data, run_of(model)) or len(data.test)
    ]
    if not trained_on:
        return _without_learned(models, data)
    adopted = [model.name for model in models if model.predictor.info.adopted]
    if split == "test" or (split is None and adopted and len(data.test)):
        _refuse_missing_test(data)
        notes = () if split else (f"{UNKNOWN.format(*adopted)}; it is judged on the test split",)
        return JudgedImages(np.arange(len(data.test), dtype=np.int64), "test", notes)
    notes = (f"{UNKNOWN.format(*adopted)}; these flatter it if it did",) if adopted else ()
    trained = [model.predictor.info for model in trained_on]
    if split == "held-out":
        _refuse_missing_fold(trained_on)
    return replace(_own_images(trained, data, split), notes=notes)


def _refuse_missing_fold(models: Sequence[ResolvedModel]) -> None:
    if without := [model.name for model in models if not model.predictor.info.folds]:
        raise UsageError(
            f"{without[0]} holds no fold out, as a run of a cross-validation does; leave --split "
            "out, or take --split validation"
        )


def _own_images(trained: Sequence[ModelMetadata], data: Dataset, split: str | None) -> JudgedImages:
    """Return the images of `data.train` that all models have held out in the same way."""
    splits = [data.split(info.split_rule) for info in trained]
    if split == "held-out" or (split is None and all(len(each.held_out) for each in splits)):
        name, keys = "held-out", {each.held_out.tobytes() for each in splits}
    else:
        name, keys = "validation", {each.sha256.encode() for each in splits}
    if len(keys) > 1:
        remedy = "compare with --split test" if len(data.test) else "evaluate each by itself"
        raise UsageError(f"these models have different {name} images; {remedy}")
    for info in trained:
        refuse_other_data(info, data)
    return JudgedImages(splits[0].held_out if name == "held-out" else splits[0].validation, name)


def is_new_data(info: ModelMetadata, data: Dataset, run: Run | None = None) -> bool:
    """Check if a model was trained on data that is known to be other than this."""
    if info.data_sha256 in ("", data.train_sha256):
        return False
    if info.data != data.name:
        return True
    # a folder of the same name in another place
    return run is not None and not is_same_folder(run, data)


def _without_learned(models: Sequence[ResolvedModel], data: Dataset) -> JudgedImages:
    """Take all images but those that a model was trained on, wherever they lie now."""
    rows = np.arange(len(data.train), dtype=np.int64)
    notes = [f"{data.name} is new to the model: all of its {len(rows):,} images are judged"]
    known = [run.known_images() for model in models if (run := run_of(model))]
    if known and sum(map(len, known)):
        is_known = np.isin(fingerprints(data.train.images, rows), np.concatenate(known))
        if is_known.all():
            raise DataError(f"{data.name}: the model was trained on all of its images")
        if num_known := int(is_known.sum()):
            rows = rows[~is_known]
            notes[0] = (
                f"{data.name} is new to the model but for {num_known:,} images that it was trained "
                f"on, which are left out: {len(rows):,} are judged"
            )
    return JudgedImages(rows, "new", tuple(notes))


def _refuse_other_classes(model: ModelMetadata, data: Dataset) -> None:
    """Refuse data with a class that the model does not have.

    Raises:
        UsageError: If there is one.
    """
    if unknown := [name for name in data.class_names if name not in model.labels]:
        raise UsageError(
            f"the model's classes are {', '.join(model.labels)}; those of {data.name} are "
            f"{', '.join(data.class_names)}: it does not know {', '.join(unknown)}"
        )


def _in_order_of(data: Dataset, labels: tuple[str, ...]) -> Dataset:
    """Number the labels as a model does that has all classes of the data, and maybe more."""
    if data.class_names == labels or not set(data.class_names) <= set(labels):
        return data
    new_label = np.array([labels.index(name) for name in data.class_names], np.int32)
    train, test = (replace(part, labels=new_label[part.labels]) for part in (data.train, data.test))
    changes = data.label_changes and data.label_changes.renumbered(new_label)
    return replace(data, train=train, test=test, class_names=labels, label_changes=changes)


def training_images(model: ResolvedModel, data: Dataset, split: str) -> LabeledImages:
    """Return the images that a model learned, which are others than `data` if the split is "new".

    Raises:
        UsageError: If the training data are not known, or not there any more.
    """
    run = run_of(model)
    rule = run.recipe().split_rule if run else model.predictor.info.split_rule
    if split == "new":
        try:
            if run is None:
                raise UsageError("no run folder")
            data = load_training_data(run)
        except AnklebootError as error:
            raise UsageError(
                f"{model.name}: its training images are needed beside the new data ({error}); "
                "leave --data out, or give the data that it was trained on"
            ) from error
    return data.train.take(data.split(rule).train)


def _refuse_missing_test(data: Dataset) -> None:
    if not len(data.test):
        raise DataError(f"{data.name} has no test split; take --split validation")


def validation_images(model: Recipe | ModelMetadata, data: Dataset) -> LabeledImages:
    """Return the images of `data.train` on which a recipe or a model makes its choices.

    Raises:
        DataError: If the data has changed since the model was trained.
        UsageError: If a model was trained on another data set: which images it knows is unknown.
    """
    if isinstance(model, ModelMetadata):
        refuse_other_data(model, data)
    return data.train.take(data.split(model.split_rule).validation)


def refuse_other_data(model: ModelMetadata, data: Dataset) -> None:
    """Refuse data of which it is unknown what the model learned.

    Raises:
        DataError: If the data has changed since the model was trained.
        UsageError: If the model was trained on another data set.
    """
    if model.data_sha256 == data.train_sha256:
        return
    if model.data_sha256 and model.data == data.name:
        raise DataError(
            f"{data.name} has changed since the model was trained: which images are new to it is "
            "unknown"
        )
    if model.data not in ("", data.name):
        raise UsageError(
            f"the model was trained on {model.data}; it has no validation images in {data.name}"
            + (", take --split test" if len(data.test) else "")
        )
