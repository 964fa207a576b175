"""Conditions under which fields of a recipe have an effect; `option` says what they mean."""

from ankleboot.recipes.option import Above, Case

CNN: Case = {"architecture": ("cnn",)}
TRANSFER: Case = {"architecture": ("transfer",)}
SCRATCH: Case = {"architecture": ("cnn", "mlp")}
HIDDEN: Case = {**SCRATCH, "dense_units": Above(0)}
REPEATED: Case = {**CNN, "convs_per_block": Above(1)}
MIXED: tuple[Case, ...] = ({"mixup": Above(0)}, {"cutmix": Above(0)})
BLOCKS: tuple[Case, ...] = ({**CNN, "stem": ("trained",)}, {**CNN, "blocks": Above(1)})
"""A trained block exists: with stem=dct the first block has only fixed patterns and a pooling."""
THAWED: Case = {"epochs": Above("head_epochs")}
"""Some epochs train on images; those with a frozen backbone train on features instead."""
