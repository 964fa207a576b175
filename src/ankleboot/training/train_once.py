"""One training in a process of its own, for trainings side by side.

    python -m ankleboot.training.train_once REQUEST RUN_DIR

REQUEST is the JSON document of a `TrainingRequest`. It prints the result of the run as JSON.
"""

import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from ankleboot.core.errors import DivergedError
from ankleboot.core.tensorflow_settings import use_backend
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.models.run import Run
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.parse import from_json
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.callbacks import TrainingCallback


@dataclass(frozen=True)
class DataRequest:
    """Data set as `load_data` takes it, for a process that loads it again."""

    name: str
    skip_bad: bool = False
    strict: bool = False
    trust: bool = False
    labels: str | None = None
    groups: str | None = None

    def load(self, image_spec: ImageSpec) -> Dataset:
        """Load the data set."""
        return load_data(image_spec=image_spec, **asdict(self))


@dataclass(frozen=True)
class TrainingRequest:
    """Recipe and data of a run."""

    recipe: Recipe
    data: DataRequest
    labels: tuple[str, ...]  # classes of the data in the order of the other runs

    def to_json(self) -> str:
        """Return the request as one line of JSON."""
        return json.dumps(asdict(self) | {"recipe": self.recipe.to_json()})

    @classmethod
    def from_json(cls, text: str) -> "TrainingRequest":
        """Read a request."""
        document = json.loads(text)
        recipe, data = from_json(document["recipe"]), DataRequest(**document["data"])
        return cls(recipe, data, tuple(document["labels"]))

    def run(self, folder: Path, callbacks: Iterable[TrainingCallback] = ()) -> Run:
        """Train the recipe in a folder, or continue there; for the errors see `train.train`."""
        from ankleboot.training.train import train_or_resume

        data = self.data.load(self.recipe.image_spec).in_class_order(self.labels)
        return train_or_resume(self.recipe, data, folder, callbacks)


def main(arguments: list[str]) -> None:
    """Train or resume a run, and print its result; a run that diverges says so."""
    use_backend(os.environ.get("ANKLEBOOT_BACKEND", "tensorflow"))
    request, folder = TrainingRequest.from_json(arguments[0]), Path(arguments[1])
    try:
        run = request.run(folder)
    except DivergedError as error:
        print(json.dumps({"diverged": str(error)}))
        return
    print(json.dumps(run.result()))


if __name__ == "__main__":
    main(sys.argv[1:])
