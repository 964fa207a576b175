"""Images that a model may be evaluated on."""

import pytest

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.select_split import validation_images
from ankleboot.models.files.metadata import ModelMetadata


def test_validation_images_of_other_data_are_refused(bar_data: Dataset) -> None:
    with pytest.raises(UsageError, match="no validation images in bars, take --split test"):
        validation_images(ModelMetadata(data="fashion-mnist"), bar_data)
    assert len(validation_images(ModelMetadata(data="bars"), bar_data)) == 128


def test_changed_data_is_refused(bar_data: Dataset) -> None:
    with pytest.raises(DataError, match="bars has changed since the model was trained"):
        validation_images(ModelMetadata(data="bars", data_sha256="other"), bar_data)
