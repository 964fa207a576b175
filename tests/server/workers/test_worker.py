"""Worker process: the models that it loads."""

from pathlib import Path

import pytest

from ankleboot.core.errors import ModelError
from ankleboot.models.files.checksums import add_folder_checksums
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.worker import _load_model


def test_a_format_from_outside_is_imported_only_on_trust(tmp_path: Path) -> None:
    add_folder_checksums(tmp_path, ModelMetadata(format="no_such_module:FORMAT"))
    with pytest.raises(ModelError, match="pass --trust to import it"):
        _load_model(tmp_path, ServerConfig())
    with pytest.raises(ModelError, match="no module no_such_module"):
        _load_model(tmp_path, ServerConfig(trust=True))
