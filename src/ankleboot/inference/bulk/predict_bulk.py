"""Prediction of any number of images into a Parquet file."""

import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ankleboot import __version__
from ankleboot.core.errors import UsageError
from ankleboot.core.executors.executor import ray_address
from ankleboot.core.executors.local import free_bytes, usable_cores
from ankleboot.core.executors.ray_cluster import connect
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.progress import Throughput
from ankleboot.core.views import VIEWS_BELOW
from ankleboot.data.preprocessing.preprocess import PREPROCESSING_VERSION
from ankleboot.inference.bulk.local import MAX_PROCESSES, LocalPool
from ankleboot.inference.bulk.parts import PartsFolder
from ankleboot.inference.bulk.plan import Plan, find_chunks
from ankleboot.inference.bulk.ray_data import RayPool
from ankleboot.inference.bulk.shards import RESULT_KEY, Log
from ankleboot.inference.bulk.table import (
    Counts,
    count_result,
    join_parts,
    result_document,
    result_schema,
)
from ankleboot.inference.bulk.worker import PredictionSettings, fingerprint_of
from ankleboot.inference.load import resolve_model
from ankleboot.inference.views import untrained_notes
from ankleboot.models.pretrained import catalog

SUFFIX = ".parquet"
REPORT_PERIOD_S = 10.0
LIGHT_BYTES, KERAS_BYTES = 300 * 2**20, 2**30  # of memory that a process takes, by its runtime


@dataclass(frozen=True)
class BulkResult:
    """Result file and what it counts.

    Attributes:
        num_failed: Images that could not be read; their rows say why.
        num_unsure: Images of which no label should be relied on.
        counts: Number of the other images by label.
        seconds: Time of this call; parts of earlier calls are not in it.
    """

    path: Path
    num_images: int
    num_failed: int
    num_unsure: int
    counts: dict[str, int]
    seconds: float


def predict_bulk(
    paths: Sequence[AnyPath] | AnyPath,
    output: AnyPath,
    model: AnyPath = "pretrained",
    *,
    on: str = "local",
    parallel: int | None = None,
    abstain_below: float | None = None,
    views: str | None = None,
    views_below: float = VIEWS_BELOW,
    trust: bool = False,
    lines: Iterable[str] = (),
    log: Log = lambda _: None,
) -> BulkResult:
    """Predict any number of images and write a row for each to a Parquet file.

        ankleboot.predict_bulk(["photos", "shards/*.tar"], "results.parquet")

    The memory stays the same however many images there are. Finished parts stay in a folder beside
    the output, so the same call after a kill goes on where it was.

    Args:
        paths: Image files, folders, patterns, tar archives, Parquet files, and lists of these
            (.txt, one a line). "-" stands for `lines`.
        output: New file, OUTPUT.parquet.
        model: Path or name of a model; see `load_predictor`.
        on: "local", "ray", or HOST:PORT of a Ray cluster.
        parallel: Most processes at once; None for as many as fit the cores and the memory.
        abstain_below: As for `predict`.
        views: As for `predict`.
        views_below: As for `predict`.
        trust: Whether an exported folder may import its format from outside the package.
        lines: Paths for "-".
        log: Receives lines of progress.

    Raises:
        UsageError: If there are no images, the output exists, or belongs to another job.
        ModelError: If there is no such model, or it cannot be loaded.
        EnvironmentFailure: If the disk is full, or a process dies repeatedly.
        ModuleNotFoundError: If pyarrow, or Ray where it is named, is not installed.
        Interrupted: On SIGINT or SIGTERM; the parts stay.
    """
    started = time.perf_counter()
    settings = PredictionSettings(_model_name(model), trust, views, views_below, abstain_below)
    job = _Job(settings, _output_path(output), log)
    pool = job.pool(on, parallel)
    named = [paths] if isinstance(paths, str | os.PathLike) else paths
    with job.parts.held(job.document):
        chunks = find_chunks([os.fspath(path) for path in named], lines, log)
        counts = job.finish(Plan(job.parts.plan_path, chunks), pool)
    return BulkResult(
        path=job.target,
        num_images=counts.num_failed + counts.num_unsure + counts.by_label.total(),
        num_failed=counts.num_failed,
        num_unsure=counts.num_unsure,
        counts=dict(counts.by_label),
        seconds=time.perf_counter() - started,
    )


class _Job:
    """Model, options and output of one bulk prediction."""

    def __init__(self, settings: PredictionSettings, target: Path, log: Log) -> None:
        self.target, self.parts, self._log = target, PartsFolder(target), log
        router = settings.load()
        self._settings = replace(settings, fingerprint=fingerprint_of(router))
        self._info = router.default.info
        self._schema = result_schema(self._info.predicted_labels, {})
        if target.exists() and not self.parts.folder.exists():
            raise _exists(target)
        model = resolve_model(settings.model, trust=settings.trust)
        for note in untrained_notes(model, settings.views):
            log(f"{settings.model}: {note}")

    @property
    def document(self) -> dict[str, Any]:
        """Model and options, by which a job to continue is recognized."""
        return {
            "ankleboot": __version__,
            "preprocessing": PREPROCESSING_VERSION,
            "model_sha256": self._info.model_sha256,
            **asdict(self._settings),
        }

    def pool(self, on: str, parallel: int | None) -> LocalPool | RayPool:
        """Return what predicts the chunks.

        Raises:
            UsageError: If `on` names no place.
            EnvironmentFailure: If there is no cluster at the address.
        """
        address = ray_address(on)
        if address is not None:
            connect(address)
            return RayPool(self._settings, os.getcwd(), parallel)
        process_bytes = KERAS_BYTES if self._info.format == "keras" else LIGHT_BYTES
        fitting = parallel or usable_cores()
        if (free := free_bytes()) is not None:
            fitting = min(fitting, free // process_bytes)
        return LocalPool(self._settings, max(1, min(fitting, MAX_PROCESSES)))

    def finish(self, plan: Plan, pool: LocalPool | RayPool) -> Counts:
        """Predict what is missing, write the output, and return what it counts.

        Raises:
            UsageError: If there are no images, or the output is of another job.
            Others: The errors of the pool.
        """
        if not plan.num_images:
            raise UsageError("no images in the input")
        document = {**self.document, "input_sha256": plan.sha256}
        if self.target.exists():  # perhaps a kill came between the output and the clean-up
            if result_document(self.target) != document:
                raise _exists(self.target)
            self.parts.is_finished = True
            return count_result(self.target)
        self._predict_missing(plan, pool)
        schema = self._schema.with_metadata({RESULT_KEY: json.dumps(document)})
        counts = Counts()
        paths = map(self.parts.path, plan)
        self.parts.finish(self.target, lambda temp: join_parts(paths, temp, schema, counts))
        return counts

    def _predict_missing(self, plan: Plan, pool: LocalPool | RayPool) -> None:
        """Predict the chunks that have no part yet, and keep their parts."""
        done, planned_keys = self.parts.done(), {planned.key for planned in plan}
        if others := done - planned_keys:
            self._log(f"the input has changed: {len(others):,} of {len(done):,} parts do not fit")
        todo = {planned.key: planned for planned in plan if planned.key not in done}
        if not todo:
            return
        num_done = plan.num_images - sum(planned.num_images for planned in todo.values())
        progress = Throughput(plan.num_images, num_done, "images")
        self._log(f"{progress}, {pool.description}")
        reported = time.perf_counter()
        for planned, content in pool.run(plan, todo.values()):
            self.parts.write(planned, content)
            progress.add(planned.num_images)
            if time.perf_counter() - reported > REPORT_PERIOD_S:
                reported = time.perf_counter()
                self._log(str(progress))
        self._log(str(progress))


def _exists(target: Path) -> UsageError:
    return UsageError(f"{target} exists; remove it, or name another --output")


def _output_path(output: AnyPath) -> Path:
    path = expand(output)
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"--output {path}: expected the name of a {SUFFIX} file")
    return path


def _model_name(model: AnyPath) -> str:
    """Return a name by which every process finds the model."""
    shipped = catalog.shipped_folder(model)
    return os.fspath(model) if shipped else os.path.abspath(expand(model))
