"""Collections that pass over what was there before them."""

import gc
import weakref

import pytest

from ankleboot.core.garbage import collections_paused, old_objects_skipped, skip_old_objects

pytestmark = pytest.mark.usefixtures("nothing_skipped")


class Node:
    """An object that refers to itself, so that only a collection frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_only_new_objects_are_collected_inside() -> None:
    old = weakref.ref(Node())
    with old_objects_skipped():
        new = weakref.ref(Node())
        gc.collect()
        assert old() is not None and new() is None
    assert gc.get_freeze_count() == 0


def test_an_error_ends_it_too() -> None:
    with pytest.raises(KeyError), old_objects_skipped():
        raise KeyError
    assert gc.get_freeze_count() == 0


def test_a_block_does_not_end_what_was_there_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "collect", lambda: 0)  # a second, in this process
    skip_old_objects()
    with old_objects_skipped():
        pass
    assert gc.get_freeze_count() > 0


def test_nothing_is_collected_in_a_pause() -> None:
    with collections_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()  # by the user
    with collections_paused():
        pass
    assert not gc.isenabled()
    gc.enable()
