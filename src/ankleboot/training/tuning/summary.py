"""Results of a search: the best trials, the fields that matter, and whether the best is better."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ankleboot.core.records import Record
from ankleboot.evaluation.seed_groups import compare_recipes, form_groups
from ankleboot.evaluation.seed_runs import SeedRuns
from ankleboot.training.tuning.trials import (
    COMPLETE,
    DIRECTIONS,
    SearchSettings,
    Trial,
    objective_words,
    show_objective,
)

MIN_TRIALS = 8
"""Complete trials before the importance of fields is estimated."""


@dataclass(frozen=True)
class Confirmation:
    """The best trial and the searched recipe, each trained anew with several seeds.

    Attributes:
        best: Number of the trial.
        conclusion: Whether the best trial's recipe is better over its runs.
    """

    best: int
    conclusion: str
    found: SeedRuns
    before: SeedRuns


@dataclass(frozen=True, repr=False)
class SearchResult(Record):
    """Trials of a search, and what follows from them.

    Attributes:
        best: Numbers of the best trials: one, or those of the Pareto front, where no other trial is
            at least as good in every objective and better in one.
        importance: Share of each field in the spread of the first objective (PED-ANOVA); empty
            below `MIN_TRIALS` complete trials.
        confirmation: Comparison with the searched recipe over seeds; None if it was not made.
    """

    folder: Path
    settings: SearchSettings
    trials: tuple[Trial, ...]
    best: tuple[int, ...]
    importance: Mapping[str, float]
    confirmation: Confirmation | None = None

    @property
    def sentences(self) -> tuple[str, ...]:
        """Conclusions in words."""
        complete = [trial for trial in self.trials if trial.state == COMPLETE]
        if not complete:
            return ("No trial is complete.",)
        name = self.settings.recipe.name
        if len(self.settings.objectives) > 1:
            names = " and ".join(map(objective_words, self.settings.objectives))
            found = (
                f"{len(self.best)} of {len(complete)} complete trials are not beaten in {names}."
            )
        else:
            best = next(trial for trial in complete if trial.number in self.best)
            objective = self.settings.objectives[0]
            value = show_objective(objective, best.values[0])
            found = (
                f"Trial {best.number} is the best of {len(complete)} complete ones with "
                f"{objective_words(objective)} {value}: {' '.join(best.changes)}."
            )
        if self.confirmation is None:
            advice = (
                f"The best of many trials is also the luckiest, so nothing is known about {name} "
                "yet: --confirm K trains both again with K other seeds."
            )
            return found, advice
        return found, self.confirmation.conclusion

    def summary(self) -> dict[str, str]:
        """Return the number of trials and the best one."""
        return {
            "folder": str(self.folder),
            "recipe": self.settings.recipe.name,
            "trials": str(len(self.trials)),
            "best": ", ".join(map(str, self.best)),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the document of `tune --json`."""
        confirmation = None
        if self.confirmation is not None:
            confirmation = {
                "best": self.confirmation.best,
                "conclusion": self.confirmation.conclusion,
                "found": self.confirmation.found.to_json(),
                "before": self.confirmation.before.to_json(),
            }
        trials = [asdict(t) | {"recipe": t.recipe.to_json()} for t in self.trials]
        return {
            "folder": str(self.folder),
            **self.settings.to_json(),
            "best": list(self.best),
            "importance": dict(self.importance),
            "confirmation": confirmation,
            "sentences": list(self.sentences),
            "trials": trials,
        }


def summarize_search(
    folder: Path, settings: SearchSettings, trials: Sequence[Trial], study: Any
) -> SearchResult:
    """Summarize the trials; `study` is the `optuna.Study` they are from."""
    complete = [trial for trial in trials if trial.state == COMPLETE]
    best = pareto_front(complete, settings.objectives)
    if len(settings.objectives) == 1 and best:
        best = best[:1]  # of equals the first one
    importance = _importance(study, settings) if len(complete) >= MIN_TRIALS else {}
    return SearchResult(folder, settings, tuple(trials), tuple(best), importance)


def pareto_front(trials: Sequence[Trial], objectives: Sequence[str]) -> list[int]:
    """Return the numbers of the trials that no other one beats, in their order."""
    signs = [1 if DIRECTIONS[name] == "maximize" else -1 for name in objectives]
    gains = {
        trial.number: tuple(s * v for s, v in zip(signs, trial.values, strict=True))
        for trial in trials
    }

    def beats(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
        return first != second and all(a >= b for a, b in zip(first, second, strict=True))

    return [
        number
        for number, gain in gains.items()
        if not any(beats(other, gain) for other in gains.values())
    ]


def _importance(study: Any, settings: SearchSettings) -> dict[str, float]:
    """Estimate the importance of each field for the first objective, the largest first.

    Source: Watanabe et al. 2023, https://arxiv.org/abs/2304.10255
    """
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "experimental"
        found = optuna.importance.get_param_importances(
            study,
            evaluator=optuna.importance.PedAnovaImportanceEvaluator(),
            params=list(settings.space),
            target=None if len(settings.objectives) == 1 else lambda trial: trial.values[0],
        )
    return {name: float(share) for name, share in found.items() if math.isfinite(share)}


def conclude(best: Trial, found: SeedRuns, before: SeedRuns) -> Confirmation:
    """Compare the runs of the best trial's recipe with those of the searched one."""
    accuracies, groups = {}, {}
    for name, runs in ((found.recipe, found), (before.recipe, before)):
        for score in runs.seeds:
            key = f"{name}, seed {score.seed}"
            accuracies[key], groups[key] = score.accuracy, name
    (comparison,) = compare_recipes(form_groups(groups, accuracies), accuracies)
    return Confirmation(best.number, comparison.conclusion, found, before)
