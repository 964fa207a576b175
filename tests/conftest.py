"""Shared pieces: a tiny data set that is learned in a second, and one run trained on it."""

import atexit
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import hypothesis
import jaxtyping._decorator
import pytest

from helpers.type_checks import check_shapes_of_arrays_only

# The first checked function would import JAX, for shorter tracebacks: two seconds of each process.
jaxtyping._decorator._tb_flag = False
check_shapes_of_arrays_only()

from ankleboot.core import garbage, plugins
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import write_json
from ankleboot.core.garbage import collections_paused, skip_old_objects
from ankleboot.core.tensorflow_settings import set_up_tensorflow
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.evaluation.calibration import calibrate
from ankleboot.export import parity
from ankleboot.models.files import examined
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from helpers.browser import launched
from helpers.images import TINY, bars

# No deadlines: how long an example takes depends on the machine. 50 examples instead of 100.
hypothesis.settings.register_profile("ankleboot", deadline=None, max_examples=50)
hypothesis.settings.load_profile("ankleboot")

set_up_tensorflow()  # as in every process of the package

# What this machine has examined before may not decide a test, and the tests leave no trace of it.
if "XDG_STATE_HOME" not in os.environ:  # worker processes have that of the first one
    os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="ankleboot-state-")
    atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)

# A suite in the background, or under nohup, inherits that signals are ignored, and so do its runs.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while all modules are imported, and skip what they left from then on."""
    with collections_paused():
        result = yield
    skip_old_objects()  # a collection that visits all took a second
    gc.set_threshold(10_000, 20, 10)  # tracing makes objects by the 100,000, which stay
    return result


@pytest.fixture
def nothing_skipped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process whose garbage collections visit all objects."""
    monkeypatch.setattr(garbage, "_is_skipping", False)
    gc.unfreeze()
    yield
    gc.freeze()


@pytest.fixture(scope="session")
def bar_data() -> Dataset:
    hashes = {"train-bars": "0" * 64, "test-bars": "1" * 64}
    return Dataset("bars", bars(640, 0), bars(100, 1), "made by the tests", hashes, CLASS_NAMES)


@pytest.fixture(scope="session")
def bar_run(bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The one run that all tests of views share; do not change its folder."""
    from ankleboot.training.trainer import fit

    return fit(TINY, bar_data, tmp_path_factory.mktemp("bars") / "run")


@pytest.fixture(scope="session")
def calibrated_run(
    bar_run: Run, bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A copy of `bar_run` with a temperature far from 1, so that forgetting it shows."""
    run = Run(tmp_path_factory.mktemp("calibrated") / "run")
    shutil.copytree(bar_run.folder, run.folder)
    fitted = replace(calibrate(run, bar_data), temperature=1.7, abstain_below=0.6)
    write_json(run.folder / "calibration.json", asdict(fitted))
    return run


@pytest.fixture(scope="session")
def sample_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Two calibrated runs with different seeds on the data set "sample"."""
    from ankleboot.training.trainer import fit

    data, folder = load_data("sample"), tmp_path_factory.mktemp("sample")
    runs = [fit(replace(TINY, seed=seed), data, folder / f"seed{seed}") for seed in (0, 1)]
    for run in runs:
        calibrate(run, data)
    return runs[0], runs[1]


@pytest.fixture(scope="session")
def exported(
    calibrated_run: Run, bar_data: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Gives the run's model in a format, exported once; do not change it."""
    folder = tmp_path_factory.mktemp("exported")

    def path_of(format: str) -> Path:
        from ankleboot.export.export import export_model

        path: Path = folder / plugins.resolve("formats", format).file_name
        if not path.exists():
            export_model(calibrated_run.folder, format, path, bar_data)
        return path

    return path_of


@pytest.fixture(scope="session", autouse=True)
def known_models() -> None:
    """Know the shipped models, so that no process examines a copy of them."""
    for folder in catalog.FOLDERS.values():
        for path in (*folder.glob("*.keras"), *folder.glob("*.tflite")):
            examined.remember(path)


@pytest.fixture(scope="session", autouse=True)
def few_timed_calls() -> Iterator[None]:
    """Time few predictions of each exported file; the number matters to the figure alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "NUM_TIMED_CALLS", 20)
        yield


@pytest.fixture(autouse=True)
def uncounted_runs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forget the test evaluations of the shared runs, so that tests may run in any order."""
    yield
    for name in {"bar_run", "calibrated_run", "sample_runs"} & set(request.fixturenames):
        runs = request.getfixturevalue(name)
        for run in runs if isinstance(runs, tuple) else (runs,):
            (run.folder / "test_reads.json").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, shared by the tests of a file."""
    with launched() as browser:
        yield browser


@pytest.fixture
def isolated_state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at the test split are counted here, and not for the user who runs the tests."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def isolated_cache_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no other place on this machine where data might be found."""
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ANKLEBOOT_DATA", raising=False)
    monkeypatch.setattr("ankleboot.data.fashion_mnist.sources.folders_of_other_tools", list)
    return tmp_path / "cache" / "fashion-mnist"


@pytest.fixture
def no_type_checks() -> Iterator[None]:
    """As in production, where only our own checks stand between wrong shapes and wrong results."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
