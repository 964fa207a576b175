"""Effect of a correction of labels: models before and after it on images that it left alone.

The split is drawn from the original labels, so both models hold out the same images. Those whose
labels a label file changes, or that it leaves out, judge neither.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ankleboot.core.errors import UsageError
from ankleboot.core.types import Indices
from ankleboot.data.dataset import Dataset
from ankleboot.data.label_file import read_label_file
from ankleboot.data.labels import apply_decisions
from ankleboot.evaluation.model_pairs import PairwiseComparison
from ankleboot.evaluation.seed_groups import RecipeComparison, SeedGroup
from ankleboot.evaluation.statistics import ALPHA
from ankleboot.inference.load import ResolvedModel
from ankleboot.models.run import Run

ORIGINAL = "the original labels"
ANOTHER_SEED = (
    " Runs that differ by their seed alone may be as far apart: compare four of each to measure "
    "what the correction did."
)


@dataclass(frozen=True)
class LabelCorrection:
    """Models that learned different labels of the same images.

    Attributes:
        labels: What each model learned from, in words.
        num_left_out: Images of the split that judge no model, because a label file touches them.
        sentences: Conclusions, one for each pair of models or recipes with different labels.
    """

    labels: Mapping[str, str]
    num_left_out: int
    sentences: tuple[str, ...] = ()


def label_sha256(run: Run | None) -> str:
    """Return the hash of a run's label file; "" if it learned the original labels."""
    return str((run.manifest().get("label_file") or {}).get("sha256", "")) if run else ""


def original_labels(data: Dataset) -> Dataset:
    """Return a data set as it was before its label file."""
    if data.label_changes is None:
        return data
    train = replace(data.train, labels=data.label_changes.original)
    return replace(data, train=train, label_changes=None)


def learned_differently(models: Sequence[ResolvedModel]) -> bool:
    """Return whether label files tell the models apart."""
    return len({label_sha256(model.run) for model in models}) > 1


def untouched_rows(
    models: Sequence[ResolvedModel], data: Dataset, positions: Indices
) -> np.ndarray:
    """Return which of some positions in the training file no label file touches.

    Raises:
        UsageError: If none is left.
    """
    before = original_labels(data)
    touched = [data.label_changes.touched] if data.label_changes else []
    for run in (model.run for model in models):
        if run is not None and label_sha256(run):
            path = run.label_path
            corrected = apply_decisions(before, path, *read_label_file(path))
            if corrected.label_changes is not None:
                touched.append(corrected.label_changes.touched)
    rows: np.ndarray = np.isin(positions, np.concatenate(touched), invert=True)
    if not rows.any():
        raise UsageError(
            "a label file changes the labels of all validation images; compare with --split test"
        )
    return rows


def describe_labels(models: Sequence[ResolvedModel]) -> dict[str, str]:
    """Say what each model learned from."""
    described = {}
    for model in models:
        document = model.run.manifest().get("label_file") if model.run else None
        described[model.name] = ORIGINAL
        if document:
            described[model.name] = (
                f"corrected labels ({document['num_changed']:,} changed, "
                f"{document['num_unusable']:,} images left out)"
            )
    return described


def conclude(
    correction: LabelCorrection,
    split: str,
    num_images: int,
    accuracies: Mapping[str, float],
    pairs: Sequence[PairwiseComparison],
    groups: Sequence[SeedGroup],
    group_pairs: Sequence[RecipeComparison],
) -> LabelCorrection:
    """Add the conclusions: whether each correction helped."""
    if split == "test":
        where = f"the {num_images:,} test images, whose labels no label file changes"
    else:
        where = (
            f"the {num_images:,} {split} images whose labels no label file changes "
            f"({correction.num_left_out:,} others left out)"
        )
    means = {group.name: group.mean for group in groups}
    labels = {group.name: correction.labels[group.models[0]] for group in groups}
    tested = [(pair.first, pair.second, pair.p_adjusted) for pair in group_pairs]
    if not group_pairs:
        means, labels = dict(accuracies), dict(correction.labels)
        tested = [(pair.first, pair.second, pair.p_adjusted) for pair in pairs]
    sentences = []
    are_single = not group_pairs
    for first, second, p_value in tested:
        if labels[first] == labels[second]:
            continue
        before, after = (second, first) if labels[second] == ORIGINAL else (first, second)
        start = f"{after} learned from {labels[after]}, {before} from {labels[before]}"
        change = means[after] - means[before]
        sentences.append(
            f"{start}: {_verdict(change, p_value, are_single)} on {where}: "
            f"{100 * means[before]:.2f} % before, {100 * means[after]:.2f} % after "
            f"(p = {p_value:.2g}).{ANOTHER_SEED if are_single and p_value < ALPHA else ''}"
        )
    return replace(correction, sentences=tuple(sentences))


def _verdict(change: float, p_value: float, are_single: bool) -> str:
    """Say what the correction did; of single runs, which of the two is better on the images."""
    if p_value >= ALPHA:
        return "it is not shown that the correction helped or did harm"
    if are_single:
        return f"the run with the correction is {'better' if change > 0 else 'worse'}"
    return "the correction helped" if change > 0 else "the correction did harm"
