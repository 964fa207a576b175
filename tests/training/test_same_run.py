"""Kaggle's table and the IDX files give the same run: equal weights, split and data."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ankleboot.core.files import sha256_of_file
from ankleboot.data.load import load_data, training_data_name
from helpers.images import TINY


def test_the_table_and_the_files_give_the_same_run(
    tmp_path: Path, isolated_cache_dir: Path
) -> None:
    from ankleboot.training.trainer import fit

    sample = load_data("sample")
    for split, part in (("train", sample.train), ("test", sample.test)):
        rows = np.column_stack([part.labels, part.images.reshape(len(part), -1)])
        names = ",".join(["label", *(f"pixel{i}" for i in range(1, 785))])
        path = tmp_path / f"fashion-mnist_{split}.csv"
        np.savetxt(path, rows, "%d", delimiter=",", header=names, comments="")
    recipe = replace(TINY, epochs=1, train_size=320)
    table = load_data(tmp_path / "fashion-mnist_train.csv")
    runs = [fit(recipe, data, tmp_path / name) for name, data in (("a", sample), ("b", table))]
    weights = [run.read_checkpoint() for run in runs]
    assert weights[0] is not None and weights[1] is not None
    for name, values in weights[0][0].items():
        np.testing.assert_array_equal(values, weights[1][0][name], err_msg=name)
    first, second = (run.manifest() for run in runs)
    assert first["data"] == second["data"] and first["split"] == second["split"]
    assert training_data_name(runs[1]) == str(tmp_path / "fashion-mnist_train.csv")
    assert training_data_name(runs[0]) == "sample"
    assert sha256_of_file(runs[0].folder / "recipe.json") == sha256_of_file(
        runs[1].folder / "recipe.json"
    )
