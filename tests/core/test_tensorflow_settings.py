"""Kernels of TensorFlow: chosen before its import, by the processor, after the user's wish."""

import os
import subprocess
import sys

import pytest

from ankleboot.core import tensorflow_settings
from ankleboot.core.tensorflow_settings import ONEDNN, set_up_tensorflow, use_backend


@pytest.fixture
def before_import(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As in a fresh process with AVX2."""
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    for variable in (ONEDNN, "TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND"):
        monkeypatch.setenv(variable, "")  # restored afterwards
        monkeypatch.delenv(variable)
    monkeypatch.setattr(tensorflow_settings, "cpu_flags", lambda: ["avx", "avx2"])
    return monkeypatch


def test_onednn_is_on_where_the_processor_has_avx2(before_import: pytest.MonkeyPatch) -> None:
    use_backend("jax")
    assert (os.environ[ONEDNN], os.environ["KERAS_BACKEND"]) == ("1", "jax")
    before_import.delenv(ONEDNN)
    for flags in (["avx"], ["avx2", "avx512f", "avx512_vnni"]):  # TensorFlow decides on these
        before_import.setattr(tensorflow_settings, "cpu_flags", lambda flags=flags: flags)
        set_up_tensorflow()
        assert ONEDNN not in os.environ


def test_the_setting_of_the_user_stays(before_import: pytest.MonkeyPatch) -> None:
    before_import.setenv(ONEDNN, "0")
    set_up_tensorflow()
    assert os.environ[ONEDNN] == "0"


def test_nothing_is_set_after_the_import(before_import: pytest.MonkeyPatch) -> None:
    """TensorFlow has read its settings by then; others would claim what does not hold."""
    before_import.setitem(sys.modules, "tensorflow", tensorflow_settings)
    set_up_tensorflow()
    assert ONEDNN not in os.environ


def test_kernels_are_named_where_they_are_not_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for flags, by_default in ((["avx2"], ""), (["avx2", "avx512_vnni"], " without oneDNN")):
        monkeypatch.setattr(tensorflow_settings, "cpu_flags", lambda flags=flags: flags)
        monkeypatch.setattr(tensorflow_settings, "uses_onednn", lambda: False)
        assert tensorflow_settings.describe_kernels() == by_default
        monkeypatch.setattr(tensorflow_settings, "uses_onednn", lambda: True)
        other = "" if by_default else " with oneDNN"
        assert tensorflow_settings.describe_kernels() == other


@pytest.mark.parametrize(
    ("setting", "expected"),
    [pytest.param("0", "False", marks=pytest.mark.slow), ("1", "True")],
)
def test_an_own_process_tells_its_kernels_imports_nothing_unused_and_ends_at_once(
    setting: str, expected: str
) -> None:
    code = (
        "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count() > 0)); "
        "from ankleboot.core.silence import UNUSED, import_keras; "
        "from ankleboot.core.tensorflow_settings import use_backend, uses_onednn; "
        "use_backend('tensorflow'); import_keras(); "
        "print(uses_onednn(), *(name for name in UNUSED if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {ONEDNN: setting},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [expected, "True"]  # the second one at its end
    assert done.stderr == ""
