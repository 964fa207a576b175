"""Event files against TensorBoard's own reader, on full disks, and without TensorFlow."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.models.history import EpochRecord
from ankleboot.training.tensorboard import TensorBoardWriter

FIRST = EpochRecord(1, 2.25, 0.125, 2.0, 0.25, 0.001, 1.5)
SECOND = replace(FIRST, epoch=2, train_loss=1.0, validation_accuracy=0.75)


def read_back(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Return step and value of every event by its tag."""
    events = EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()["tensors"]
    return {
        tag: [(e.step, float(make_ndarray(e.tensor_proto))) for e in events.Tensors(tag)]
        for tag in tags
    }


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    curves = TensorBoardWriter(tmp_path / "tensorboard", [FIRST])
    curves.add(SECOND)
    assert read_back(tmp_path / "tensorboard/train") == {
        "loss": [(1, 2.25), (2, 1.0)],
        "accuracy": [(1, 0.125), (2, 0.125)],
    }
    assert read_back(tmp_path / "tensorboard/validation") == {
        "loss": [(1, 2.0), (2, 2.0)],
        "accuracy": [(1, 0.25), (2, 0.75)],
    }


def test_a_restart_writes_the_files_anew(tmp_path: Path) -> None:
    TensorBoardWriter(tmp_path, [FIRST, SECOND])
    TensorBoardWriter(tmp_path, [FIRST])
    assert read_back(tmp_path / "train")["loss"] == [(1, 2.25)]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    curves = TensorBoardWriter(tmp_path, [])
    (path,) = (tmp_path / "train").iterdir()
    path.unlink()
    path.symlink_to("/dev/full")
    with pytest.raises(EnvironmentFailure, match=f"disk full while writing {path}; free some"):
        curves.add(FIRST)


def test_a_record_that_was_lost_ends_the_training(tmp_path: Path) -> None:
    """The curve ended there, and the training ended well."""
    curves = TensorBoardWriter(tmp_path, [FIRST])
    (path,) = (tmp_path / "validation").iterdir()
    os.truncate(path, path.stat().st_size - 3)
    with pytest.raises(EnvironmentFailure, match=rf"{path}: it has \d+ bytes instead of \d+"):
        curves.add(SECOND)
    TensorBoardWriter(tmp_path, [FIRST, SECOND])
    assert read_back(tmp_path / "validation")["loss"] == [(1, 2.0), (2, 2.0)]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFailure, match="cannot create folder .*file/tensorboard/train"):
        TensorBoardWriter(tmp_path / "file/tensorboard", [])


def test_writing_loads_no_tensorflow(tmp_path: Path) -> None:
    """JAX trains without TensorFlow."""
    code = (
        "import sys; from pathlib import Path\n"
        "from ankleboot.training.tensorboard import TensorBoardWriter\n"
        "from ankleboot.models.history import EpochRecord\n"
        "record = EpochRecord(1, 2.25, 0.125, 2.0, 0.25, 0.001, 1.5)\n"
        f"TensorBoardWriter(Path({str(tmp_path)!r}), [record])\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras"} & set(done.stdout.split())
    assert read_back(tmp_path / "train")["loss"] == [(1, 2.25)]
