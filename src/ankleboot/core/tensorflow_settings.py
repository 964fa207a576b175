"""Settings that Keras and TensorFlow read from the environment when they are imported.

TensorFlow computes convolutions with oneDNN by default only on processors with AVX-512 VNNI and
later. With AVX2 alone oneDNN is quicker, too (docs/performance.md), so it is switched on there.
"""

import os
import sys

from ankleboot.core.environment import cpu_flags

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"

_is_own_process = False


def use_backend(name: str) -> None:
    """Set the backend of Keras and the settings of TensorFlow for a process of this package.

    KERAS_BACKEND says what the user's other work runs on, so it is overwritten.
    """
    global _is_own_process
    _is_own_process = True
    os.environ["KERAS_BACKEND"] = name
    set_up_tensorflow()


def is_own_process() -> bool:
    """Return whether only this package uses Keras here, as in a command; else the user may."""
    return _is_own_process


def set_up_tensorflow() -> None:
    """Make TensorFlow silent and quick, before it is imported; the user's own settings stay.

    oneDNN is switched on for processors with AVX2 alone, which were measured; TensorFlow decides
    on others.
    """
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets on stderr otherwise
    if "avx2" in cpu_flags() and not _has_onednn_by_default():
        os.environ.setdefault(ONEDNN, "1")


def describe_kernels() -> str:
    """Return " with oneDNN" or " without oneDNN" where TensorFlow's default is the other one.

    It is "" for the default, since runs of before this setting have a manifest that says nothing.
    """
    uses = uses_onednn()
    if uses == _has_onednn_by_default():
        return ""
    return " with oneDNN" if uses else " without oneDNN"


def _has_onednn_by_default() -> bool:
    return "avx512_vnni" in cpu_flags()


def uses_onednn() -> bool:
    """Return whether TensorFlow computes with oneDNN in this process; imports TensorFlow."""
    import tensorflow  # noqa: F401  (it sets the search path of the extension below)
    from tensorflow.python.util import _pywrap_util_port  # no public name tells it

    return bool(_pywrap_util_port.IsMklEnabled())
