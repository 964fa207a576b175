"""Comparison of two or more models on the same images.

    compare(["runs/a", "runs/b"]).sentences

Models are compared image by image (McNemar's test, paired bootstrap), which separates models whose
accuracy intervals overlap. Runs of one recipe with different seeds form a group; only groups allow
conclusions about recipes.
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ankleboot.core.errors import UsageError
from ankleboot.core.types import Indices, Labels, Probs
from ankleboot.evaluation import metrics
from ankleboot.evaluation.comparison import (
    AccuracyEstimate,
    ClassDifference,
    Comparison,
    Disagreement,
    PairwiseComparison,
    RecipeComparison,
    SeedGroup,
    conclude_pair,
    conclude_recipes,
)
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.evaluation.select_split import DataSource, dataset_for, select_split
from ankleboot.evaluation.statistics import (
    bootstrap_means,
    holm_adjust,
    mcnemar_exact,
    percentile_interval,
    permutation_test,
    probability_of_superiority,
)
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.inference.load import Model, ResolvedModel, resolve_model
from ankleboot.recipes.catalog import overrides_of

MAX_DISAGREEMENTS = 50  # listed, the most confident ones first


@dataclass(frozen=True)
class ModelPredictions:
    """Probabilities of a model; `group` is shared by runs that differ in their seed alone."""

    model: str
    probs: Probs
    group: str = ""


def compare(
    models: Sequence[Model], data: DataSource = None, *, split: str = "validation"
) -> Comparison:
    """Compare models on all images of a split.

        ankleboot.compare(["runs/a", "runs/b"]).sentences

    Runs of one recipe with different seeds are compared as a group: pass all of them. Evaluations
    on the test split are counted.

    Args:
        models: Two or more runs, predictors, paths or names of shipped models.
        data: Data set; by default the one that the first run was trained on.
        split: "validation" or "test".

    Raises:
        UsageError: If there are fewer than two models, their validation images differ, or two runs
            have the same recipe and seed.
        ModelError: If a model is missing or damaged.
    """
    if len(models) < 2:
        raise UsageError("name two or more models to compare")
    resolved = [resolve_model(model) for model in models]
    infos = [model.predictor.info for model in resolved]
    first = next((model for model in resolved if model.run), resolved[0])
    # models may have other image specs; the order of the images is the same
    datasets = {
        spec: dataset_for(first, data, spec)
        for spec in dict.fromkeys(info.image_spec for info in infos)
    }
    dataset = datasets[infos[0].image_spec]
    if split == "validation" and len({dataset.split(i.split_rule).sha256 for i in infos}) > 1:
        raise UsageError("these models have different validation images; compare with --split test")
    splits = [select_split(datasets[info.image_spec], split, info) for info in infos]
    names = [model.name for model in resolved]
    groups = _seed_groups(resolved)
    counts, predictions = {}, []
    for name, model, images, group in zip(names, resolved, splits, groups, strict=True):
        counts[name] = count_evaluation(model, split)
        probs = cached_predictions(model, images.images, split)
        predictions.append(ModelPredictions(name, probs, group))
    return replace(
        compare_predictions(predictions, splits[0].labels, dataset.class_names),
        data=dataset.name,
        split=split,
        num_test_evaluations=counts,
        images=splits[0].images,
    )


def _seed_groups(models: Sequence[ResolvedModel]) -> list[str]:
    """Name the group of each model: recipe and overrides of a run, "" for other models.

    Raises:
        UsageError: If two runs of a group have the same seed.
    """
    group_names: dict[str, str] = {}
    by_seed: dict[tuple[str, int], str] = {}
    groups = []
    for model in models:
        if model.run is None or model.path is None or not model.path.is_dir():
            groups.append("")  # an exported file stands for itself
            continue
        recipe, manifest = model.run.recipe(), model.run.manifest()
        without_seed = recipe.to_json() | {"seed": 0}
        parts = [without_seed, manifest["data"], manifest.get("arithmetic")]
        key = json.dumps(parts, sort_keys=True)
        if other := by_seed.get((key, recipe.seed)):
            raise UsageError(
                f"{other} and {model.name} have the same recipe and seed {recipe.seed}"
            )
        by_seed[key, recipe.seed] = model.name
        if key not in group_names:
            label = " ".join([recipe.name, *overrides_of(recipe)])
            copies = sum(other.partition(" (")[0] == label for other in group_names.values())
            group_names[key] = f"{label} ({copies + 1})" if copies else label
        groups.append(group_names[key])
    return groups


def compare_predictions(
    predictions: Sequence[ModelPredictions], labels: Labels, class_names: tuple[str, ...]
) -> Comparison:
    """Compare predictions of models for the same images.

    Where two groups have several runs each, groups are compared; otherwise every pair of models.

    Args:
        predictions: Probabilities of two or more models.
        labels: Labels of the images.
        class_names: Classes in the order of the probabilities.

    Raises:
        UsageError: If there are fewer than two models, or one is named twice.
        DataError: If lengths differ or a probability is not finite.
    """
    names = [prediction.model for prediction in predictions]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError("name two or more different models to compare")
    for prediction in predictions:
        metrics.validate_predictions(prediction.probs, labels)
    hits = {p.model: p.probs.argmax(axis=1) == labels for p in predictions}
    estimates = tuple(
        AccuracyEstimate(
            name,
            float(correct.mean()),
            metrics.wilson_interval(int(correct.sum()), len(labels)),
        )
        for name, correct in hits.items()
    )
    groups = _groups(predictions, hits)
    recipe_pairs = _compare_recipes(groups, hits)
    pairs = () if recipe_pairs else _compare_pairs(predictions, labels, class_names)
    return Comparison(len(labels), estimates, pairs, groups, recipe_pairs)


def _compare_pairs(
    predictions: Sequence[ModelPredictions], labels: Labels, class_names: tuple[str, ...]
) -> tuple[PairwiseComparison, ...]:
    pairs = [(a, b) for number, a in enumerate(predictions) for b in predictions[number + 1 :]]
    p_values = [mcnemar_exact(*_only_correct(a.probs, b.probs, labels)) for a, b in pairs]
    return tuple(
        _compare_pair(a, b, labels, class_names, (p_value, p_adjusted))
        for (a, b), p_value, p_adjusted in zip(pairs, p_values, holm_adjust(p_values), strict=True)
    )


def _only_correct(first: Probs, second: Probs, labels: Labels) -> tuple[int, int]:
    """Count the images that only the first, and only the second model gets right."""
    a, b = first.argmax(axis=1) == labels, second.argmax(axis=1) == labels
    return int((a & ~b).sum()), int((b & ~a).sum())


def _compare_pair(
    a: ModelPredictions,
    b: ModelPredictions,
    labels: Labels,
    class_names: tuple[str, ...],
    p_values: tuple[float, float],
) -> PairwiseComparison:
    p_value, p_adjusted = p_values
    only_first, only_second = _only_correct(a.probs, b.probs, labels)
    hits = [(x.probs.argmax(axis=1) == labels).astype(np.float64) for x in (a, b)]
    difference = float((hits[0] - hits[1]).mean())
    interval = percentile_interval(bootstrap_means(hits[0] - hits[1]))
    by_class = [
        _only_correct(a.probs[labels == c], b.probs[labels == c], labels[labels == c])
        for c in range(len(class_names))
    ]
    class_p_values = holm_adjust([mcnemar_exact(*counts) for counts in by_class])
    differing = np.flatnonzero(a.probs.argmax(axis=1) != b.probs.argmax(axis=1))
    return PairwiseComparison(
        first=a.model,
        second=b.model,
        difference=difference,
        difference_ci95=interval,
        only_first=only_first,
        only_second=only_second,
        p_value=p_value,
        p_adjusted=p_adjusted,
        per_class=tuple(
            ClassDifference(name, *counts, p)
            for name, counts, p in zip(class_names, by_class, class_p_values, strict=True)
        ),
        num_disagreements=len(differing),
        disagreements=_disagreements(a.probs, b.probs, labels, differing, class_names),
        conclusion=conclude_pair(a.model, b.model, difference, interval, p_adjusted, len(labels)),
    )


def _disagreements(
    first: np.ndarray,
    second: np.ndarray,
    labels: np.ndarray,
    differing: Indices,
    class_names: tuple[str, ...],
) -> tuple[Disagreement, ...]:
    confidence = np.minimum(first.max(axis=1), second.max(axis=1))[differing]
    chosen = differing[np.argsort(-confidence, kind="stable")][:MAX_DISAGREEMENTS]
    return tuple(
        Disagreement(
            int(index),
            class_names[labels[index]],
            class_names[first[index].argmax()],
            float(first[index].max()),
            class_names[second[index].argmax()],
            float(second[index].max()),
        )
        for index in chosen
    )


def _groups(
    predictions: Sequence[ModelPredictions], hits: dict[str, np.ndarray]
) -> tuple[SeedGroup, ...]:
    members: dict[str, list[str]] = {}
    for prediction in predictions:
        members.setdefault(prediction.group or prediction.model, []).append(prediction.model)
    groups = []
    for name, models in members.items():
        accuracies = [float(hits[model].mean()) for model in models]
        std = statistics.stdev(accuracies) if len(accuracies) > 1 else None
        groups.append(SeedGroup(name, tuple(models), statistics.mean(accuracies), std))
    return tuple(groups)


def _compare_recipes(
    groups: Sequence[SeedGroup], hits: dict[str, np.ndarray]
) -> tuple[RecipeComparison, ...]:
    several = [group for group in groups if len(group.models) > 1]
    pairs = [(a, b) for number, a in enumerate(several) for b in several[number + 1 :]]
    values = {g.name: [float(hits[model].mean()) for model in g.models] for g in several}
    adjusted = holm_adjust([permutation_test(values[a.name], values[b.name]) for a, b in pairs])
    comparisons = []
    for (a, b), p in zip(pairs, adjusted, strict=True):
        share, interval = probability_of_superiority(values[a.name], values[b.name])
        sentence = conclude_recipes(a, b, share, interval, p)
        comparisons.append(
            RecipeComparison(a.name, b.name, a.mean - b.mean, share, interval, p, sentence)
        )
    return tuple(comparisons)
