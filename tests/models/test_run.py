"""Run folder: checkpoints, summary and JSON document."""

from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import (
    ModelError,
)
from ankleboot.models.run import Run, load_run


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write_checkpoint({"a/b%c": np.arange(5)}, {"epoch": 1})
    checkpoint = run.read_checkpoint()
    assert checkpoint is not None
    assert checkpoint[0]["a/b%c"].tolist() == [0, 1, 2, 3, 4] and checkpoint[1] == {"epoch": 1}
    path = tmp_path / "checkpoint.npz"
    whole = path.read_bytes()
    for damaged in (whole[:-30], whole[: len(whole) // 2], b"", whole.replace(b"\x03", b"\x04")):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match="damaged checkpoint"):
            run.read_checkpoint()


def test_a_complete_run_shows_its_results_in_one_line(bar_run: Run) -> None:
    accuracy = bar_run.result()["validation"]["accuracy"]
    assert repr(bar_run) == (
        f"Run(folder {bar_run.folder}, recipe tiny, seed 0, data bars, epochs 3, "
        f"validation_accuracy {100 * accuracy:.2f} %)"
    )
    assert bar_run.to_json() == {"run_dir": str(bar_run.folder)} | bar_run.result()


def test_an_incomplete_or_damaged_run_has_a_line_too(tmp_path: Path) -> None:
    assert repr(Run(tmp_path)) == f"Run(folder {tmp_path}, state not complete)"
    (tmp_path / "result.json").write_text("{")
    assert repr(Run(tmp_path)) == f"Run(folder {tmp_path}, state damaged)"


def test_load_run_opens_run_folders_alone(bar_run: Run, tmp_path: Path) -> None:
    assert load_run(str(bar_run.folder)) == bar_run
    with pytest.raises(ModelError, match="not a run folder, recipe.json is missing"):
        load_run(tmp_path)
