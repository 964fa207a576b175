"""Result of runs of one recipe with several seeds."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ankleboot.core.files import write_json
from ankleboot.core.records import Record
from ankleboot.evaluation.statistics import Interval, mean_interval
from ankleboot.models.run import Run
from ankleboot.models.run_list.groups import group_label

RESULT_FILE = "seeds.json"


@dataclass(frozen=True)
class SeedScore:
    """Validation metrics of one run; `run_dir` is relative to the folder."""

    seed: int
    accuracy: float
    loss: float
    train_seconds: float
    run_dir: str


@dataclass(frozen=True, repr=False)
class SeedRuns(Record):
    """Validation accuracy of a recipe over seeds.

    Attributes:
        folder: Folder of the runs, with this result.
        recipe: Name of the recipe, and the fields that differ from it.
        accuracy_std: Standard deviation of the sample.
        accuracy_ci95: Interval of the mean over seeds (Student's t). It does not contain what other
            validation images would change.
    """

    folder: Path
    recipe: str
    data: str
    accuracy_mean: float
    accuracy_std: float
    accuracy_ci95: Interval
    loss_mean: float
    seeds: tuple[SeedScore, ...]

    @property
    def sentence(self) -> str:
        """Conclusion in words."""
        low, high = self.accuracy_ci95
        return (
            f"{self.recipe} is right on {100 * self.accuracy_mean:.2f} % of the validation images "
            f"of {self.data} on average over {len(self.seeds)} seeds (95 % interval of the mean "
            f"{100 * low:.2f} to {100 * high:.2f} %); one run differs from another by chance, with "
            f"a standard deviation of {100 * self.accuracy_std:.2f} points."
        )

    def summary(self) -> dict[str, str]:
        """Return the recipe, the data and the accuracy."""
        low, high = self.accuracy_ci95
        return {
            "recipe": self.recipe,
            "data": self.data,
            "seeds": str(len(self.seeds)),
            "validation_accuracy": (
                f"{100 * self.accuracy_mean:.2f} % ({100 * low:.2f} to {100 * high:.2f})"
            ),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the document of `train --seeds --json`."""
        document = asdict(self)
        return {"run_dir": str(document.pop("folder"))} | document | {"sentence": self.sentence}

    def write(self) -> None:
        """Write the result."""
        document = self.to_json()
        del document["run_dir"]  # the folder may be moved
        write_json(self.folder / RESULT_FILE, document)


def summarize_seeds(folder: Path, runs: Sequence[Run]) -> SeedRuns:
    """Summarize the runs of one recipe with different seeds, two or more."""
    results = [run.result() for run in runs]
    scores = tuple(
        SeedScore(
            seed=result["seed"],
            accuracy=result["validation"]["accuracy"],
            loss=result["validation"]["loss"],
            train_seconds=result["train_seconds"],
            run_dir=str(run.folder.relative_to(folder)),
        )
        for run, result in zip(runs, results, strict=True)
    )
    accuracies = [score.accuracy for score in scores]
    interval = mean_interval(accuracies)
    if interval is None:
        raise ValueError("expected two runs or more")
    return SeedRuns(
        folder=folder,
        recipe=group_label(runs[0].recipe(), runs[0].manifest()),
        data=results[0]["data"],
        accuracy_mean=statistics.mean(accuracies),
        accuracy_std=statistics.stdev(accuracies),
        accuracy_ci95=(max(0.0, interval[0]), min(1.0, interval[1])),
        loss_mean=statistics.mean(score.loss for score in scores),
        seeds=scores,
    )
