"""Order and chunks of an epoch."""

from dataclasses import replace

import numpy as np
import pytest

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.recipes.catalog import SPRINT
from ankleboot.training import data_loader
from ankleboot.training.data_loader import EpochLoader
from ankleboot.training.engines.base import Chunk
from helpers.images import TINY, bars

SMALL = replace(
    SPRINT, blocks=2, filters=4, max_filters=8, batch_size=32, precision="float32", seed=1
)


NO_LOSSES = np.zeros(0, np.float32)


def test_the_order_is_a_permutation_that_epoch_and_seed_decide() -> None:
    first = data_loader.epoch_order(TINY, 100, 1, NO_LOSSES)
    assert sorted(first) == list(range(100))
    assert (first == data_loader.epoch_order(TINY, 100, 1, NO_LOSSES)).all()
    assert (first != data_loader.epoch_order(TINY, 100, 2, NO_LOSSES)).any()
    assert (first != data_loader.epoch_order(replace(TINY, seed=9), 100, 1, NO_LOSSES)).any()


def test_later_epochs_take_the_images_with_the_highest_losses() -> None:
    recipe = replace(SMALL, hard_example_fraction=0.3)
    losses = np.random.default_rng(0).random(100).astype(np.float32)
    assert len(data_loader.epoch_order(recipe, 100, 1, losses)) == 100
    second = data_loader.epoch_order(recipe, 100, 2, losses)
    assert set(second) == set(np.argsort(losses)[-30:])
    assert data_loader.num_steps(recipe, 100, 1) == 4 and data_loader.num_steps(recipe, 100, 2) == 1


def load_chunks(first_step: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Chunk, int, int]]:
    monkeypatch.setattr(data_loader, "CHUNK_SIZE", 64)
    data, recipe = bars(300, 0), replace(TINY, max_shift=2, flip=True)
    indices = np.arange(300)[::-1].copy()
    loader = EpochLoader(recipe, data.images, data.labels, CLASS_NAMES, indices)
    order = data_loader.epoch_order(recipe, 300, 1, NO_LOSSES)
    rates = np.linspace(1, 0, 10).astype(np.float32)  # 9 whole batches of 32 and one of 12
    return list(loader.chunks(1, order, rates, first_step, lambda chunk: chunk))


def test_chunks_cover_the_epoch_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = load_chunks(0, monkeypatch)
    assert [(first, last) for _, first, last in chunks] == [(i, i + 2) for i in range(0, 10, 2)]
    positions = np.concatenate([chunk.positions for chunk, _, _ in chunks])
    assert (positions == data_loader.epoch_order(TINY, 300, 1, NO_LOSSES)).all()
    labels = np.concatenate([chunk.labels for chunk, _, _ in chunks])
    assert (labels == bars(300, 0).labels[299 - positions]).all()
    assert [len(chunk.learning_rates) for chunk, _, _ in chunks] == [2] * 5


def test_an_epoch_resumed_in_the_middle_gets_the_same_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, rest = load_chunks(0, monkeypatch), load_chunks(5, monkeypatch)
    assert [first for _, first, _ in rest] == [4, 6, 8]
    for (a, *_), (b, *_) in zip(whole[2:], rest, strict=True):
        assert (a.images == b.images).all()


def test_an_error_while_preparing_reaches_the_consumer() -> None:
    data = bars(10, 0)
    loader = EpochLoader(TINY, data.images, data.labels, CLASS_NAMES, np.arange(10))
    order, rates = np.full(10, 999, np.int32), np.ones(1, np.float32)
    with pytest.raises(IndexError):
        list(loader.chunks(1, order, rates, 0, lambda chunk: chunk))
