"""Prediction of any number of images into a Parquet file."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ankleboot import __version__
from ankleboot.core.errors import UsageError
from ankleboot.core.executors.executor import ray_address
from ankleboot.core.executors.local import free_bytes, usable_cores
from ankleboot.core.files import atomic_write
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.progress import Throughput
from ankleboot.core.views import VIEWS_BELOW
from ankleboot.data.preprocessing.preprocess import PREPROCESSING_VERSION
from ankleboot.inference.bulk.local import LocalPool
from ankleboot.inference.bulk.parts import PartsFolder
from ankleboot.inference.bulk.plan import Plan, find_chunks
from ankleboot.inference.bulk.ray_data import RayPool
from ankleboot.inference.bulk.table import (
    FAILED,
    UNSURE,
    count_result,
    join_parts,
    result_document,
    result_schema,
)
from ankleboot.inference.bulk.worker import PredictionSettings, router_of
from ankleboot.inference.load import resolve_model
from ankleboot.inference.views import untrained_notes
from ankleboot.models.pretrained import catalog

SUFFIX = ".parquet"
REPORT_PERIOD_S = 10.0
LIGHT_BYTES, KERAS_BYTES = 300 * 2**20, 2**30  # of memory that a process takes, by its runtime

Log = Callable[[str], None]


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
    settings = PredictionSettings(_model_name(model), trust, views, views_below, abstain_below)
    job = _Job(settings, _output_path(output), log)
    started = time.perf_counter()
    if job.target.exists():
        counts = job.counts_if_finished()
    else:
        named = [paths] if isinstance(paths, str | os.PathLike) else paths
        with job.parts.held(job.document):
            plan = Plan(
                job.parts.plan_path, find_chunks([os.fspath(path) for path in named], lines, log)
            )
            if not plan.num_images:
                raise UsageError("no images in the input")
            job.predict_missing(plan, on, parallel)
            counts = job.join(plan)
    job.parts.remove()
    num_failed, num_unsure = counts.pop(FAILED, 0), counts.pop(UNSURE, 0)
    num_images = num_failed + num_unsure + sum(counts.values())
    seconds = time.perf_counter() - started
    return BulkResult(job.target, num_images, num_failed, num_unsure, counts, seconds)


class _Job:
    """Model, options and output of one bulk prediction."""

    def __init__(self, settings: PredictionSettings, target: Path, log: Log) -> None:
        self.target, self._settings, self._log = target, settings, log
        self.parts = PartsFolder(target)
        self._info = router_of(settings).default.info
        for note in untrained_notes(resolve_model(settings.model), settings.views):
            log(f"{settings.model}: {note}")

    @property
    def document(self) -> dict[str, Any]:
        """Model and options, by which a job to continue is recognized."""
        info, settings = self._info, self._settings
        return {
            "ankleboot": __version__,
            "preprocessing": PREPROCESSING_VERSION,
            "model": settings.model,
            "model_sha256": info.model_sha256,
            "model_format": info.format,
            "abstain_below": settings.abstain_below,
            "views": settings.views,
            "views_below": settings.views_below,
        }

    def counts_if_finished(self) -> dict[str, int]:
        """Return what an output counts that was written just before a kill.

        Raises:
            UsageError: If the output is another one.
        """
        if self.parts.folder.is_dir() and result_document(self.target) == self.document:
            return count_result(self.target)
        raise UsageError(f"{self.target} exists; remove it, or name another --output")

    def predict_missing(self, plan: Plan, on: str, parallel: int | None) -> None:
        """Predict the chunks that have no part yet, and keep their parts."""
        if num_others := self.parts.remove_others(plan):
            self._log(f"the input has changed; parts removed that no longer fit: {num_others:,}")
        done = self.parts.done()
        todo = {planned.key: planned for planned in plan if planned.key not in done}
        if not todo:
            return
        pool = self._pool(on, parallel)
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

    def join(self, plan: Plan) -> dict[str, int]:
        """Write the parts to the output in the order of the input; return what it counts."""
        schema = result_schema(self._info.predicted_labels, self.document)
        counts: dict[str, int] = {}
        paths = map(self.parts.path, plan)
        atomic_write(self.target, lambda temp: counts.update(join_parts(paths, temp, schema)))
        return counts

    def _pool(self, on: str, parallel: int | None) -> LocalPool | RayPool:
        address = ray_address(on)
        if address is not None:
            return RayPool(self._settings, os.getcwd(), address, parallel)
        process_bytes = KERAS_BYTES if self._info.format == "keras" else LIGHT_BYTES
        fitting = usable_cores()
        if (free := free_bytes()) is not None:
            fitting = min(fitting, free // process_bytes)
        return LocalPool(self._settings, max(1, parallel or fitting))


def _output_path(output: AnyPath) -> Path:
    path = expand(output)
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"--output {path}: expected the name of a {SUFFIX} file")
    return path


def _model_name(model: AnyPath) -> str:
    """Return a name by which every process finds the model."""
    shipped = catalog.shipped_folder(model)
    return os.fspath(model) if shipped else os.path.abspath(expand(model))
