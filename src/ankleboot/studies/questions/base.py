"""Recipes and variants that several studies use."""

from dataclasses import replace

from ankleboot.recipes.catalog import PLAIN, POCKET
from ankleboot.studies.study import Variant

SMALL_CNN = replace(PLAIN, filters=16, padding="same", dense_units=64, batch_size=128)
"""Two blocks of a 3 x 3 convolution with 16 and 32 filters."""

DEEP_CNN = replace(
    SMALL_CNN, blocks=3, schedule="one_cycle", learning_rate=3e-3, epochs=3, precision="auto"
)
"""The same with a third block and a falling learning rate."""

SHIPPED = Variant(name="shipped", recipe=POCKET, shipped=True, once=True)
"""The shipped model "pocket"."""
