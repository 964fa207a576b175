"""Images that a model may be evaluated on."""

from dataclasses import replace

import numpy as np
import pytest

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.select_split import select_split, validation_images
from ankleboot.models.files.metadata import ModelMetadata


def test_validation_images_of_other_data_are_refused(bar_data: Dataset) -> None:
    with pytest.raises(UsageError, match="no validation images in bars, take --split test"):
        validation_images(ModelMetadata(data="fashion-mnist"), bar_data)
    assert len(validation_images(ModelMetadata(data="bars"), bar_data)) == 128


def test_changed_data_is_refused(bar_data: Dataset) -> None:
    with pytest.raises(DataError, match="bars has changed since the model was trained"):
        validation_images(ModelMetadata(data="bars", data_sha256="other"), bar_data)


def test_other_classes_are_refused(bar_data: Dataset) -> None:
    with pytest.raises(UsageError, match="the model's classes are cat, dog; those of bars are"):
        select_split(bar_data, "test", ModelMetadata(labels=("cat", "dog")))


def test_data_without_a_test_split_is_refused(bar_data: Dataset) -> None:
    data = replace(bar_data, test=bar_data.test.take(np.arange(0)))
    with pytest.raises(DataError, match="bars has no test split; take --split validation"):
        select_split(data, "test", ModelMetadata())
