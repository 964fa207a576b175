"""Kinds of model files, and what is said about those that cannot be adopted."""

import io
import zipfile
from pathlib import Path

import pytest

from ankleboot.core.errors import ModelError
from ankleboot.models.foreign.kinds import kind_of


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", "{}")
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("model.pt", b"x", "torch.onnx.export"),
        ("model.pkl", b"x", "a pickle can run any program"),
        ("model.joblib", b"x", "a pickle can run any program"),
        ("model.npz", b"x", "arrays alone"),
        ("model.zip", b"x", "unpack it"),
        ("model.txt", b"x", "save it as .keras"),
        ("model.h5", archive(), "holds a .keras file; rename it"),
        ("model.keras", b"\x89HDF\r\n\x1a\n", "holds a .h5 file; rename it"),
        ("model.onnx", b"\x1c\0\0\0TFL3", "holds a .tflite file; rename it"),
        ("model", archive(), "this is a .keras file, so rename it"),
        ("model.keras", b"", "an empty file"),
        ("model.onnx", b"version https://git-lfs.github.com/spec/v1\n", "run git lfs pull"),
    ],
)
def test_other_files_are_refused_with_a_way_out(
    tmp_path: Path, name: str, content: bytes, match: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=match):
        kind_of(tmp_path / name)


def test_folders_are_refused_with_what_lies_in_them(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected a SavedModel"):
        kind_of(tmp_path)
    with pytest.raises(ModelError, match="no such model file"):
        kind_of(tmp_path / "gone.keras")
    (tmp_path / "model.ckpt.index").write_bytes(b"x")
    with pytest.raises(ModelError, match="a checkpoint holds weights alone"):
        kind_of(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.keras").write_bytes(archive())
    with pytest.raises(ModelError, match="name the model inside: .*data/model.keras"):
        kind_of(tmp_path)
    assert kind_of(tmp_path / "data" / "model.keras") == "keras"
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    assert kind_of(tmp_path) == "saved-model"
