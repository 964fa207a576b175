"""FLOPs of a training step against counts by hand."""

from ankleboot.models import architectures
from ankleboot.recipes.catalog import PLAIN, SPRINT
from lib.flops import training_flops


def test_flops_of_plain_equal_the_count_by_hand() -> None:
    first = 26 * 26 * 9 * 32  # forward and kernel; images need no gradient
    second = 11 * 11 * 9 * 32 * 64
    dense, logits = 1600 * 128, 128 * 10
    expected = 2 * (2 * first + 3 * (second + dense + logits))
    assert training_flops(architectures.build_model(PLAIN)) == expected


def test_frozen_stem_costs_its_forward_pass_only() -> None:
    stem = 28 * 28 * 16 * 16
    second = 14 * 14 * 9 * 16 * 32  # no gradient for the frozen layer below
    rest = 7 * 7 * 9 * 32 * 64 + 4 * 4 * 9 * 64 * 64 + 256 * 10
    assert training_flops(architectures.build_model(SPRINT)) == 2 * (stem + 2 * second + 3 * rest)
