"""Garbage collection that passes over what is there already.

The imports of TensorFlow and Keras leave a million objects, which every full collection visits for
a few tenths of a second. Training and conversion cause such collections.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_is_skipping = False


def skip_old_objects() -> None:
    """Skip the objects that exist so far in all later collections; there is a last one now."""
    global _is_skipping
    gc.collect()
    gc.freeze()
    _is_skipping = True


def skip_collections_at_exit() -> None:
    """Leave all objects to the system at the end of the process, where they took it a second."""
    atexit.register(gc.freeze)


@contextmanager
def old_objects_skipped() -> Iterator[None]:
    """Skip the objects that exist so far in the collections inside the block."""
    if _is_skipping:  # the end of the block must not end that
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def collections_paused() -> Iterator[None]:
    """Collect nothing inside the block, such as an import, whose objects stay."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()
