"""Comparison of two or more models on the same images.

Models are compared image by image, which separates models whose accuracy intervals overlap; where
two recipes have several runs each, the recipes are compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.errors import UsageError
from ankleboot.core.files import make_folder, write_json
from ankleboot.core.records import Record
from ankleboot.core.types import Images, Labels, Probs
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation import label_correction, metrics
from ankleboot.evaluation.adoption.examine import resolve_or_examine
from ankleboot.evaluation.label_correction import LabelCorrection
from ankleboot.evaluation.model_pairs import ModelPredictions, PairwiseComparison, compare_pairs
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.evaluation.seed_groups import (
    RecipeComparison,
    SeedGroup,
    compare_recipes,
    form_groups,
    group_names,
)
from ankleboot.evaluation.select_split import (
    DataSource,
    JudgedImages,
    dataset_for,
    is_new_data,
    judged_images,
    run_of,
)
from ankleboot.evaluation.statistics import Interval
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.inference.load import Model, ResolvedModel
from ankleboot.recipes.image_spec import ImageSpec


@dataclass(frozen=True)
class AccuracyEstimate:
    """Accuracy of one model with its Wilson interval."""

    model: str
    accuracy: float
    accuracy_ci95: Interval


@dataclass(frozen=True, repr=False)
class Comparison(Record):
    """Models compared on the same images.

    Attributes:
        pairs: Models, image by image; empty where recipes are compared.
        groups: Runs by recipe; a single model is a group of one.
        group_pairs: Recipes; empty unless two of them have several runs.
        num_test_evaluations: Evaluations on the test split so far, by model.
        correction: Whether corrected labels helped; None if all models learned the same labels.
        notes: What was decided about the images.
    """

    num_examples: int
    models: tuple[AccuracyEstimate, ...]
    pairs: tuple[PairwiseComparison, ...]
    groups: tuple[SeedGroup, ...]
    group_pairs: tuple[RecipeComparison, ...]
    data: str = ""
    split: str = ""
    num_test_evaluations: dict[str, int] = field(default_factory=dict)
    images: Images | None = field(default=None, compare=False)
    correction: LabelCorrection | None = None
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """Conclusions in words: about the images, corrected labels, recipes, models."""
        corrections = self.correction.sentences if self.correction else ()
        recipes = tuple(pair.conclusion for pair in self.group_pairs)
        return self.notes + corrections + recipes + tuple(pair.conclusion for pair in self.pairs)

    def summary(self) -> dict[str, str]:
        """Return the accuracy of each model."""
        return {score.model: f"{100 * score.accuracy:.2f} %" for score in self.models}

    def to_json(self) -> dict[str, Any]:
        """Return the document of `compare --json`."""
        document = asdict(replace(self, images=None)) | {"sentences": list(self.sentences)}
        del document["images"]
        return document | {"test_reads": document.pop("num_test_evaluations")}

    def write(self, folder: Path) -> list[Path]:
        """Write the document, and a figure of the first pair's disagreements; return the paths."""
        from ankleboot.evaluation.plots.evaluation import disagreements
        from ankleboot.evaluation.plots.style import save_figure

        make_folder(folder)
        paths = [folder / "comparison.json"]
        write_json(paths[0], self.to_json())
        if self.images is not None and self.pairs and self.pairs[0].disagreements:
            paths.append(folder / "disagreements.png")
            save_figure(disagreements(self.pairs[0], self.images), paths[1])
        return paths


def compare(
    models: Sequence[Model], data: DataSource = None, *, split: str | None = None
) -> Comparison:
    """Compare models on all images of a split.

        ankleboot.compare(["runs/a", "runs/b"]).sentences

    Runs of one recipe with different seeds are compared as a group: pass all of them. Runs with
    different label files are judged on images that no label file touches. Evaluations on the test
    split are counted.

    Args:
        models: Two or more runs, predictors, paths or names of shipped models.
        data: Data set; by default the one that the first run was trained on. Data without a test
            split that are new to all models are judged as a whole.
        split: "validation", "held-out" or "test"; None for validation, test if a model was adopted,
            and the held-out images for models of one fold.

    Raises:
        UsageError: If there are fewer than two models, their validation or held-out images differ,
            or two runs have the same recipe and seed.
        ModelError: If a model is missing or damaged.
    """
    refuse_single(models)
    resolved = [resolve_or_examine(model, data) for model in models]
    infos = [model.predictor.info for model in resolved]
    first = next((model for model in resolved if model.run), resolved[0])
    # models may have other image specs; the order of the images is the same
    load = cache(partial(dataset_for, first, data))
    dataset = load(infos[0].image_spec)
    chosen = judged_images(resolved, dataset, split)
    _refuse_other_folds(resolved, chosen, load)
    split = chosen.split
    splits = [chosen.of(load(info.image_spec)) for info in infos]
    rows = np.ones(len(splits[0]), bool)
    is_correction = label_correction.learned_differently(resolved)
    if is_correction and split in ("validation", "held-out"):
        rows = label_correction.untouched_rows(resolved, dataset, chosen.rows)
    counts, predictions = {}, []
    for model, images, group in zip(resolved, splits, group_names(resolved), strict=True):
        counts[model.name] = count_evaluation(model, split)
        probs = _in_class_order(
            cached_predictions(model, images.images, split), model, dataset.class_names
        )
        predictions.append(ModelPredictions(model.name, probs[rows], group))
    judged = splits[0] if rows.all() else splits[0].take(np.flatnonzero(rows))
    compared = compare_predictions(predictions, judged.labels, dataset.class_names)
    if is_correction:
        compared = _with_correction(compared, resolved, split, int((~rows).sum()))
    context: dict[str, Any] = {"data": dataset.name, "split": split, "images": judged.images}
    notes = (*(note for model in resolved for note in model.notes), *chosen.notes)
    return replace(compared, num_test_evaluations=counts, notes=notes, **context)


def refuse_single(models: Sequence[object]) -> None:
    """Refuse fewer than two models."""
    if len(models) < 2:
        raise UsageError("name two or more models to compare")


def _refuse_other_folds(
    models: Sequence[ResolvedModel], judged: JudgedImages, load: Callable[[ImageSpec], Dataset]
) -> None:
    """Refuse models in whose image spec other images are equal, and so the folds are others."""
    if judged.split not in ("validation", "held-out"):
        return
    for model in models:
        info = model.predictor.info
        data = load(info.image_spec)
        if not info.folds or is_new_data(info, data, run_of(model)):
            continue
        split = data.split(info.split_rule)
        rows = split.held_out if judged.split == "held-out" else split.validation
        if not np.array_equal(rows, judged.rows):
            raise UsageError(
                f"{model.name} has other {judged.split} images: at {info.image_spec}, other images "
                "are equal; evaluate each model by itself"
            )


def _in_class_order(probs: Probs, model: ResolvedModel, class_names: tuple[str, ...]) -> Probs:
    """Order the columns of a model's probabilities as the classes of the comparison."""
    labels = model.predictor.info.labels
    if labels == class_names:
        return probs
    if sorted(labels) != sorted(class_names):
        raise UsageError(
            f"{model.name} has the classes {', '.join(labels)}, another model has "
            f"{', '.join(class_names)}; compare models of the same classes"
        )
    return probs[:, [labels.index(name) for name in class_names]]


def _with_correction(
    compared: Comparison, models: Sequence[ResolvedModel], split: str, num_left_out: int
) -> Comparison:
    """Add what the comparison says about the correction of labels."""
    correction = label_correction.conclude(
        LabelCorrection(label_correction.describe_labels(models), num_left_out),
        split,
        compared.num_examples,
        {estimate.model: estimate.accuracy for estimate in compared.models},
        compared.pairs,
        compared.groups,
        compared.group_pairs,
    )
    return replace(compared, correction=correction)


def compare_predictions(
    predictions: Sequence[ModelPredictions], labels: Labels, class_names: tuple[str, ...]
) -> Comparison:
    """Compare predictions of models for the same images.

    Where two groups have several runs each, groups are compared; otherwise every pair of models.

    Raises:
        UsageError: If there are fewer than two models, or one is named twice.
        DataError: If lengths differ or a probability is not finite.
    """
    groups = {prediction.model: prediction.group for prediction in predictions}
    if len(predictions) < 2 or len(groups) < len(predictions):
        raise UsageError("name two or more different models to compare")
    for prediction in predictions:
        metrics.validate_predictions(prediction.probs, labels)
    hits = {p.model: p.probs.argmax(axis=1) == labels for p in predictions}
    accuracies = {name: float(correct.mean()) for name, correct in hits.items()}
    estimates = tuple(
        AccuracyEstimate(
            name, accuracies[name], metrics.wilson_interval(int(correct.sum()), len(labels))
        )
        for name, correct in hits.items()
    )
    seed_groups = form_groups(groups, accuracies)
    recipe_pairs = compare_recipes(seed_groups, accuracies)
    pairs = () if recipe_pairs else compare_pairs(predictions, labels, class_names)
    return Comparison(len(labels), estimates, pairs, seed_groups, recipe_pairs)
