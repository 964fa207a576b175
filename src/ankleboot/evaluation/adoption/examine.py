"""Examination of a foreign file that was not adopted: the same as `adopt`, but nothing is kept."""

import shlex
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from ankleboot.core.errors import ForeignModelError, UsageError
from ankleboot.core.temporary import temp_folder
from ankleboot.data.load import Progress, no_progress
from ankleboot.evaluation.adoption.adopt import AdoptionData, adopt
from ankleboot.inference.load import Model, ResolvedModel, load_predictor, resolve_model
from ankleboot.models.foreign.scalings import meaning, trial_note


def resolve_or_examine(
    model: Model,
    data: AdoptionData = None,
    *,
    trust: bool = False,
    progress: Progress = no_progress,
) -> ResolvedModel:
    """Find a model as `resolve_model` does; examine a file that another tool made.

    The notes of the result say what was found, also by an earlier `adopt`. An examined file belongs
    to no run: its test evaluations are counted by the hash of the file.

    Args:
        model: A run, a predictor, a path or the name of a shipped model.
        data: Labeled images that a foreign model learned; see `adopt`.
        trust: Whether an exported folder may import its format from outside the package.
        progress: Function that receives the accuracy of each convention that was tried.

    Raises:
        ModelError: If the model is missing or damaged, or a foreign file is unsafe.
        UsageError: If images cannot tell the convention of a foreign file.
    """
    resolved = resolve_model(model, trust=trust)
    if resolved.run and not resolved.notes:
        adopted = resolved.run.manifest().get("adopted")
        if adopted and (note := trial_note(adopted)):
            resolved = replace(resolved, notes=(note,))
    try:
        _ = resolved.predictor
    except ForeignModelError:
        if resolved.path is None:
            raise
        return _examine(resolved.path, data, progress)
    return resolved


def _examine(source: Path, data: AdoptionData, progress: Progress) -> ResolvedModel:
    with temp_folder() as folder:
        try:
            run = adopt(source, data, folder / "run", progress=progress)
        except UsageError as error:
            command = f"ankleboot adopt {shlex.quote(str(source))}"
            raise UsageError(f"{error} (options of {command})") from error
        found = run.manifest()["adopted"]
        predictor = load_predictor(run.folder)
    predictor.name = str(source)
    sha256 = found["sha256"] or predictor.info.model_sha256  # a SavedModel has none
    predictor.info = replace(predictor.info, model_sha256=sha256)
    progress(f"{source}: {_trials(found)}")
    return ResolvedModel(str(source), None, None, lambda: predictor, _notes(source, found))


def _trials(found: dict[str, Any]) -> str:
    """Return the accuracy of every convention that was tried, in one line."""
    order = found["convention"]["order"]
    key = "accuracy" if order == sorted(order) else "reordered_accuracy"
    parts = []
    for num, trials in groupby(found["trials"], key=itemgetter("num_images")):
        accuracies = (
            f"{trial['input']}{'' if trial['fit'] == 'same' else ' ' + trial['fit']} "
            f"{100 * trial[key]:.1f} %"
            for trial in trials
        )
        parts.append(f"on {num:,} training images: {', '.join(accuracies)}")
    return f"accuracy {'; '.join(parts)}"


def _notes(source: Path, found: dict[str, Any]) -> tuple[str, ...]:
    convention = found["convention"]
    scaling, order = convention["scaling"], convention["order"]
    place = "the order of the data" if order == sorted(order) else "another order than in the data"
    examined = (
        f"{source.name} is examined, not adopted (ankleboot adopt keeps what is found): it takes "
        f"{meaning(scaling)}, its outputs are of the kind {convention['outputs']}, and its "
        f"classes are in {place}"
    )
    return (examined, trial_note(found)) if found["num_tried"] > 1 else (examined,)
