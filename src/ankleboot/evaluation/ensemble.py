"""Ensemble of several models, calibrated on the validation images that they share."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ankleboot.core.errors import (
    AnklebootError,
    DataError,
    EnvironmentFailure,
    ModelError,
    UsageError,
)
from ankleboot.core.files import make_folder, sha256_of
from ankleboot.core.paths import cache_folder
from ankleboot.core.sealed import DamagedError, read_sealed, warn_of_damage, write_sealed
from ankleboot.data.dataset import Dataset
from ankleboot.evaluation.calibration import fit_calibration
from ankleboot.evaluation.prediction_cache import cached_predictions
from ankleboot.evaluation.select_split import (
    DataSource,
    dataset_for,
    is_new_data,
    run_of,
    validation_images,
)
from ankleboot.inference.ensemble import EnsemblePredictor
from ankleboot.inference.load import Model, ResolvedModel, resolve_model
from ankleboot.models.files.calibration import Calibration
from ankleboot.models.files.metadata import ModelMetadata

CACHE_VERSION = 2
"""Raise it with any change of the calibration that is fitted for the same members."""


def load_ensemble(models: Sequence[Model], data: DataSource = None) -> EnsemblePredictor:
    """Join models to one that predicts the mean of their probabilities.

        ensemble = ankleboot.load_ensemble(["runs/a", "runs/b", "runs/c"])
        ankleboot.evaluate(ensemble).accuracy
        ankleboot.export_model(ensemble, "litert", "abc.tflite")

    Members are calibrated as they are. Their mean is less sure than it could be: members that are
    right in different ways pull each other down. So it gets a temperature and an abstention
    threshold of its own, fitted on the validation images that no member has learned, and kept in
    the cache.

    Args:
        models: Two or more runs, predictors, paths or names of shipped models.
        data: Data that they were trained on; None to load it as their runs or files name it.

    Raises:
        DataError: If the validation images, which the calibration needs, cannot be loaded.
        ModelError: If a model is missing or damaged.
        UsageError: If there are fewer than two models, one is named twice or was adopted, or they
            differ in classes, image spec, training data or split.
    """
    members = [resolve_model(model) for model in models]
    if len(members) < 2:
        raise UsageError("an ensemble has two or more models")
    for member in members:
        _refuse_uncalibrated(member)
    for number, member in enumerate(members):
        for other in members[:number]:
            _refuse_different(other, member)
    return EnsemblePredictor(members, _calibration(EnsemblePredictor(members), data))


def join_models(
    model: ResolvedModel,
    further: Sequence[Model],
    data: DataSource = None,
    *,
    trust: bool = False,
) -> ResolvedModel:
    """Return a model, or its ensemble with further ones if there are any; see `load_ensemble`."""
    if not further:
        return model
    others = [resolve_model(name, trust=trust) for name in further]
    return resolve_model(load_ensemble([model, *others], data))


def _refuse_uncalibrated(member: ResolvedModel) -> None:
    """Refuse a model whose validation images are unknown, or that is an ensemble in itself."""
    if member.members:
        raise UsageError(f"{member.name}: name the models of this ensemble one by one")
    if adopted := member.predictor.info.adopted:
        raise UsageError(
            f"{member.name}: adopted from {adopted}, so which images are new to it is unknown, and "
            "an ensemble with it cannot be calibrated"
        )


def _refuse_different(first: ResolvedModel, second: ResolvedModel) -> None:
    """Refuse two models that cannot be averaged, or judged and calibrated on the same images."""
    infos = first.predictor.info, second.predictor.info
    if infos[0].model_sha256 and infos[0].model_sha256 == infos[1].model_sha256:
        raise UsageError(
            f"{first.name} and {second.name} are the same model; an ensemble needs different ones"
        )
    for (noun, a), (_, b) in zip(*map(_shared, infos), strict=True):
        if a != b:
            raise UsageError(
                f"{first.name} and {second.name} have different {noun} ({a}; {b}); the models of "
                "an ensemble need the same"
            )


def _shared(info: ModelMetadata) -> Iterable[tuple[str, str]]:
    """Yield what the models of an ensemble have in common, by name."""
    yield "classes", ", ".join(info.labels)
    yield "reject labels", ", ".join(info.reject_labels) or "none"
    spec = info.image_spec
    yield "image specs", f"{spec}, crop {spec.crop}, fit {spec.fit}"
    yield "training data", f"{info.data or 'unknown'} {info.data_sha256[:8]}".strip()
    rule = info.split_rule
    yield "splits", ", ".join(f"{name}={value}" for name, value in asdict(rule).items())


def _calibration(ensemble: EnsemblePredictor, data: DataSource) -> Calibration:
    """Fit the calibration; without data named by the user, the cached one counts."""
    first = ensemble.members[0]
    if data is not None:
        dataset = dataset_for(first, data)
        if not is_new_data(ensemble.info, dataset, run_of(first)):
            return _fit(ensemble, dataset)
    path = _cache_path(ensemble)
    try:
        if (stored := read_sealed(path)) is not None:
            return Calibration.from_json(stored, path)
    except DamagedError as error:
        warn_of_damage(path, error)
    except ModelError:  # of a version with other fields
        pass
    try:
        dataset = dataset_for(first, None)
    except AnklebootError as error:
        raise DataError(
            f"an ensemble is calibrated on validation images, which cannot be loaded ({error}); "
            "export the ensemble where they are: the file holds its calibration"
        ) from error
    calibration = _fit(ensemble, dataset)
    if ensemble.info.model_sha256:
        with suppress(EnvironmentFailure):  # read-only cache
            make_folder(path.parent)
            write_sealed(path, asdict(calibration))
    return calibration


def _fit(ensemble: EnsemblePredictor, data: Dataset) -> Calibration:
    images = validation_images(ensemble.info, data)
    probs = [cached_predictions(each, images.images, "validation") for each in ensemble.members]
    return fit_calibration(ensemble.combine(probs), images.labels)


def _cache_path(ensemble: EnsemblePredictor) -> Path:
    infos = [member.predictor.info for member in ensemble.members]
    key = sorted([info.model_sha256, info.format, info.temperature] for info in infos)
    text = json.dumps([CACHE_VERSION, key])
    return cache_folder("ensembles") / f"{sha256_of(text.encode())[:32]}.json"
