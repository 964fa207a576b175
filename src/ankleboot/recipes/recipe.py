"""Recipe: all hyperparameters of a training run.

A field without effect keeps its default, so that equal training runs have equal recipes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ankleboot.core.errors import UsageError
from ankleboot.recipes.conflicts import refuse_conflicts
from ankleboot.recipes.data_fields import DataFields
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.network_fields import NetworkFields
from ankleboot.recipes.optimization_fields import OptimizationFields
from ankleboot.recipes.option import KEY, Option, in_order, is_foreign
from ankleboot.recipes.split_rule import SplitRule


@dataclass(frozen=True, kw_only=True)
class Recipe(OptimizationFields, DataFields, NetworkFields):
    """All hyperparameters of a training run; immutable and valid.

    Raises:
        UsageError: If a value is not valid, or a field without effect has not its default.
    """

    name: str

    def __post_init__(self) -> None:
        for key, declared in OPTIONS.items():
            object.__setattr__(self, key, declared.checked(key, getattr(self, key)))
        refuse_conflicts(self)
        if self.model_options and not is_foreign("architecture", self.architecture):
            raise UsageError(
                f"model.{next(iter(self.model_options))} has no effect with "
                f"architecture={self.architecture}; its options are the fields of the recipe"
            )
        values = self.to_json()
        for key in IN_ORDER:
            if values[key] != OPTIONS[key].default and not OPTIONS[key].is_used(values):
                raise UsageError(OPTIONS[key].refusal(key, values))

    @property
    def image_spec(self) -> ImageSpec:
        """Size, colors, crop and fit of the images."""
        return ImageSpec(self.image_size, self.color, self.crop, self.fit)

    @property
    def split_rule(self) -> SplitRule:
        """Division of the training file into training and validation images."""
        return SplitRule(
            self.split,
            self.validation_fraction,
            self.split_seed,
            self.train_size,
            self.folds,
            self.fold,
        )

    def block_filters(self) -> list[int]:
        """List the number of filters of each block."""
        return [min(self.filters * 2**block, self.max_filters) for block in range(self.blocks)]

    def to_json(self) -> dict[str, Any]:
        """Return the fields; `parse.from_json` turns them back into an equal recipe."""
        return {"name": self.name} | asdict(self)


OPTIONS: Mapping[str, Option] = {
    declared.name: declared.metadata[KEY] for declared in fields(Recipe) if KEY in declared.metadata
}
"""Declaration of every field except `name` and `model_options`."""
IN_ORDER = in_order(OPTIONS)
