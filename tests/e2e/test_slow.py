"""What takes its time: the real data, and processes killed for real."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core import plugins
from ankleboot.core.files import sha256_of_file
from ankleboot.data.fashion_mnist.load import FASHION_MNIST
from ankleboot.data.load import load_data
from ankleboot.evaluation.evaluate import evaluate
from ankleboot.export.export import export_model
from ankleboot.models.pretrained import catalog

pytestmark = pytest.mark.slow

LABEL_COUNTS = [6_000] * 10


def test_the_real_data_is_whole_and_balanced() -> None:
    data = load_data()
    assert data.sha256 == {wanted.name: wanted.sha256 for wanted in FASHION_MNIST}
    assert np.bincount(data.train.labels).tolist() == LABEL_COUNTS
    assert np.bincount(data.test.labels).tolist() == [1_000] * 10
    assert data.train.labels[0] == 9  # the first training image is an ankle boot


def test_one_epoch_of_plain_learns_the_real_data(tmp_path: Path) -> None:
    from ankleboot.recipes.catalog import PLAIN
    from ankleboot.recipes.parse import override
    from ankleboot.training.trainer import fit

    run = fit(override(PLAIN, {"epochs": "1"}), load_data(), tmp_path / "run")
    assert run.result()["validation"]["accuracy"] > 0.84


@pytest.mark.usefixtures("isolated_state_dir")
def test_the_shipped_model_reaches_the_accuracy_of_its_card() -> None:
    stated = json.loads((catalog.FOLDER / "evaluation-test.json").read_text())
    found = evaluate("pretrained", load_data(), split="test")
    assert stated["num_examples"] == 10_000 and found.accuracy == stated["accuracy"]
    assert found.to_json()["confusion_matrix"] == tuple(map(tuple, stated["confusion_matrix"]))


@pytest.mark.parametrize("format", plugins.BUILT_IN["formats"])
def test_every_format_passes_the_gate_on_all_test_images(format: str, tmp_path: Path) -> None:
    target = tmp_path / plugins.resolve("formats", format).file_name
    done = export_model(Path("pretrained"), format, target, load_data())
    assert done.parity.num_examples == 10_000
    if format == "litert-int8":
        assert done.bytes <= 150_000


WRITER = """
import sys
from pathlib import Path
import numpy as np
from ankleboot.models.run import Run

run, number = Run(Path(sys.argv[1])), 0
print("ready", flush=True)
while True:
    number += 1
    arrays = {"a": np.full(400_000, number), "b": np.full(9, number)}
    run.write_checkpoint(arrays, {"epoch": number})
"""


def test_kills_while_saving_leave_a_whole_checkpoint(tmp_path: Path) -> None:
    from ankleboot.models.run import Run

    moments = random.Random(1)
    for _ in range(50):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0.05, 0.3))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        checkpoint = Run(tmp_path).read_checkpoint()
        if checkpoint is not None:
            arrays, progress = checkpoint
            for array in arrays.values():
                assert (array == progress["epoch"]).all()


FETCH = """
from ankleboot.data.fashion_mnist import load
from ankleboot.data.fashion_mnist.sources import LocalFolder
load.FASHION_MNIST = load.SAMPLE
load.all_sources = lambda _: [LocalFolder(load.SAMPLE_FOLDER)]
print("ready", flush=True)
load.fetch_fashion_mnist()
"""


def test_kills_while_fetching_leave_no_partial_file(
    isolated_cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ankleboot.data.fashion_mnist import load as data

    moments = random.Random(2)
    expected = {wanted.name: wanted.sha256 for wanted in data.SAMPLE}
    for _ in range(40):
        process = subprocess.Popen([sys.executable, "-c", FETCH], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(moments.uniform(0, 0.03))
        process.kill()
        process.communicate()
        for path in isolated_cache_dir.glob("*-ubyte") if isolated_cache_dir.exists() else ():
            assert sha256_of_file(path) == expected[path.name]
            path.unlink()
    done = subprocess.run([sys.executable, "-c", FETCH], check=False)
    assert done.returncode == 0
    assert {p.name for p in isolated_cache_dir.iterdir()} == {*expected, "lock"}
