"""Trials of a search in Optuna's storage, an SQLite file that survives a kill.

`optuna-dashboard sqlite:///FOLDER/optuna.db` shows it, too.
"""

import json
import statistics
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from ankleboot.core.boundary import library_errors
from ankleboot.core.documents import parse_document
from ankleboot.core.errors import EnvironmentFailure, ModelError, UsageError
from ankleboot.recipes.option import shown
from ankleboot.recipes.parse import from_json
from ankleboot.training.tuning.space import Dimension, apply_values
from ankleboot.training.tuning.trials import (
    COMPLETE,
    DIRECTIONS,
    FAILED,
    PRUNED,
    RUNNING,
    SearchSettings,
    Trial,
    recipe_key,
)

MAX_REDRAWS = 200
"""Draws of equal or invalid recipes in a row after which the space counts as exhausted."""

MIN_COMPLETE = 5
"""Complete trials before any is pruned."""


class TrialDocument(TypedDict):
    """Attributes of a trial in the storage."""

    key: str
    recipe: dict[str, Any]
    state: NotRequired[str]
    objectives: NotRequired[dict[str, float]]
    curve: NotRequired[list[float]]
    note: NotRequired[str]


class TrialStorage:
    """Optuna study of one search."""

    def __init__(self, path: Path, settings: SearchSettings) -> None:
        """Open or create the storage.

        Raises:
            ModelError: If it belongs to a search with other settings.
            EnvironmentFailure: If the file is damaged or cannot be written.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._optuna, self._settings, self._path = optuna, settings, path
        self._states = optuna.trial.TrialState
        with library_errors(
            lambda why: EnvironmentFailure(f"{path}: cannot be used as storage ({why})")
        ):
            storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
            self._study = optuna.create_study(
                storage=storage,
                study_name=settings.recipe.name,
                directions=[DIRECTIONS[name] for name in settings.objectives],
                load_if_exists=True,
            )
            stored = self._study.user_attrs.get("settings")
            self._study.get_trials(deepcopy=False)  # reads all
        if stored is None:
            self._study.set_user_attr("settings", settings.to_json())
        elif not isinstance(stored, dict):
            raise ModelError(f"{path}: damaged settings ({stored!r}); name another folder")
        elif differing := [k for k, v in settings.to_json().items() if stored.get(k) != v]:
            raise ModelError(
                f"{path.parent}: a search with other settings ({', '.join(differing)}); name "
                "another folder"
            )
        self.trials()  # reports damage before anything is drawn
        for left in self._study.get_trials(deepcopy=False, states=[self._states.RUNNING]):
            if "recipe" not in left.user_attrs:  # a kill came between draw and decision
                self._study.tell(left.number, state=self._states.FAIL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "multivariate is experimental"
            self._study.sampler = optuna.samplers.TPESampler(
                seed=settings.seed + len(self._study.get_trials(deepcopy=False)), multivariate=True
            )

    @property
    def study(self) -> Any:
        """The `optuna.Study`."""
        return self._study

    def trials(self) -> list[Trial]:
        """List the trials in the order in which they were drawn; discarded draws are left out."""
        found = self._study.get_trials(deepcopy=False)
        return [self._trial(each) for each in found if "recipe" in each.user_attrs]

    def num_trials(self, *, running: bool = True) -> int:
        """Return the number of trials; of those that have ended if `running` is off."""
        found = self._study.get_trials(deepcopy=False)
        return sum(
            "recipe" in each.user_attrs and (running or each.state != self._states.RUNNING)
            for each in found
        )

    def draw(self) -> Trial | None:
        """Draw a recipe that no trial had; None if there seems to be none.

        A draw that is equal to a former one or invalid is discarded.
        """
        found = self._study.get_trials(deepcopy=False)
        seen = {each.user_attrs.get("key") for each in found} | {recipe_key(self._settings.recipe)}
        distributions = {
            name: self._distribution(dimension) for name, dimension in self._settings.space.items()
        }
        for _ in range(MAX_REDRAWS):
            drawn = self._study.ask(distributions)
            try:
                recipe = apply_values(self._settings.recipe, drawn.params)
            except UsageError:
                self._study.tell(drawn, state=self._states.FAIL)
                continue
            key = recipe_key(recipe)
            if key in seen:
                self._study.tell(drawn, state=self._states.FAIL)
                continue
            drawn.set_user_attr("key", key)
            drawn.set_user_attr("recipe", recipe.to_json())  # last: from now on it is a trial
            return self._trial(self._study.get_trials(deepcopy=False)[drawn.number])
        return None

    def finish(self, trial: Trial, document: Mapping[str, Any] | None, note: str) -> Trial:
        """Store the end of a trial.

        Args:
            trial: Trial that was drawn.
            document: What `trial.read_figures` returned; None for a trial that failed.
            note: Error, or deaths of its process.

        Returns:
            The trial with its figures.
        """
        frozen = self._study.get_trials(deepcopy=False)[trial.number]
        live = self._optuna.trial.Trial(self._study, frozen._trial_id)  # noqa: SLF001
        state = FAILED if document is None else str(document["state"])
        live.set_user_attr("note", note)
        live.set_user_attr("state", state)
        if document is not None:
            live.set_user_attr("curve", document["curve"])
            live.set_user_attr("objectives", document.get("objectives", {}))
        # `tell` comes last: a trial that a kill left before it goes on
        if document is not None and state == COMPLETE:
            figures = document["objectives"]
            self._study.tell(live, [figures[name] for name in self._settings.objectives])
        elif document is not None and state == PRUNED:
            for epoch, value in enumerate(document["curve"], 1):
                live.report(value, epoch)
            self._study.tell(live, state=self._states.PRUNED)
        else:
            self._study.tell(live, state=self._states.FAIL)
        return self._trial(self._study.get_trials(deepcopy=False)[trial.number])

    def prune_below(self, epochs: int) -> tuple[float | None, ...]:
        """Return the accuracy by epoch below which a trial is given up.

        It is the median of the complete trials (Golovin et al. 2017), after a quarter of the epochs
        and five complete trials; nothing is pruned where there are several objectives.
        """
        found = self._study.get_trials(deepcopy=False, states=[self._states.COMPLETE])
        curves = [each.user_attrs["curve"] for each in found]
        if len(curves) < MIN_COMPLETE or self._settings.objectives != ("validation_accuracy",):
            return ()
        bounds: list[float | None] = []
        for epoch in range(epochs):
            reached = [max(curve[: epoch + 1]) for curve in curves if len(curve) > epoch]
            is_early = epoch + 1 <= epochs // 4
            bounds.append(None if is_early or not reached else statistics.median(reached))
        return tuple(bounds)

    def _trial(self, frozen: Any) -> Trial:
        attributes = self._attributes(frozen)
        is_running = frozen.state == self._states.RUNNING
        is_complete = frozen.state == self._states.COMPLETE
        try:
            recipe = from_json(attributes["recipe"])
        except UsageError as error:
            raise ModelError(f"{self._path}: trial {frozen.number}: {error}") from error
        base = self._settings.recipe.to_json()
        changes = tuple(
            f"{key}={shown(value)}" for key, value in recipe.to_json().items() if base[key] != value
        )
        return Trial(
            number=frozen.number,
            recipe=recipe,
            changes=changes,
            key=attributes["key"],
            state=RUNNING if is_running else attributes.get("state", FAILED),
            values=tuple(frozen.values) if is_complete else (),
            objectives=attributes.get("objectives", {}),
            curve=tuple(attributes.get("curve", ())),
            note=attributes.get("note", ""),
        )

    def _attributes(self, frozen: Any) -> TrialDocument:
        try:
            return parse_document(json.dumps(frozen.user_attrs), TrialDocument)
        except ValueError as error:
            reason = f"trial {frozen.number} cannot be used ({error})"
            raise ModelError(f"{self._path}: {reason}; name another folder") from error

    def _distribution(self, dimension: Dimension) -> Any:
        kinds = self._optuna.distributions
        if dimension.choices:
            return kinds.CategoricalDistribution(dimension.choices)
        low, high, log = dimension.low, dimension.high, dimension.is_log
        if dimension.is_whole:
            return kinds.IntDistribution(int(low), int(high), log=log)
        return kinds.FloatDistribution(low, high, log=log)
