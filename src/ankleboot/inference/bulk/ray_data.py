"""Chunks predicted on a Ray cluster by a pool of actors of Ray Data.

An actor keeps its model. Ray Data starts the actors, gives them chunks, starts lost ones again and
repeats what they had. Source: https://docs.ray.io/en/latest/data/batch_inference.html
"""

import logging
import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ankleboot import __version__
from ankleboot.core.errors import AnklebootError, EnvironmentFailure, Interrupted
from ankleboot.core.executors.executor import MAX_FAILURES
from ankleboot.core.executors.ray_cluster import (
    describe_cluster,
    first_words,
    require_same_version,
)
from ankleboot.inference.bulk.chunks import chunk_from_line
from ankleboot.inference.bulk.local import Parts
from ankleboot.inference.bulk.plan import Plan, PlannedChunk
from ankleboot.inference.bulk.worker import PredictionSettings, predict_chunk

ROUND_CHUNKS, ROUND_BYTES = 16_384, 64 * 2**20
"""Bounds of what Ray gets at once: it holds the lines of all, and each round starts new actors."""


class ChunkActor:
    """Actor that predicts chunks; an error is an answer, since Ray Data would hide its class."""

    def __init__(self, settings: PredictionSettings, folder: str, version: str) -> None:
        self._settings, self._folder, self._version = settings, folder, version

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Predict the chunk of a row."""
        content, error = b"", ""
        try:
            require_same_version(self._version)
            _enter(self._folder)
            content = predict_chunk(self._settings, chunk_from_line(row["line"]))
        except (AnklebootError, OSError) as failure:
            error = str(failure)
        return {"place": row["place"], "content": content, "error": error}


@dataclass(frozen=True)
class RayPool:
    """Actors on a cluster, each with a core and a model, `limit` at most.

    Attributes:
        folder: Folder from which relative paths lead, the same on every machine.
    """

    settings: PredictionSettings
    folder: str
    limit: int | None = None

    @property
    def description(self) -> str:
        return f"on Ray, {describe_cluster()}"

    def run(self, plan: Plan, todo: Iterable[PlannedChunk]) -> Parts:
        """Predict chunks, in rounds; a round that fails is repeated with what is missing.

        Raises:
            EnvironmentFailure: If an actor cannot predict, or rounds fail three times in a row
                without a finished chunk: the cluster is lost, or an image ends the actors.
            Interrupted: On SIGINT.
        """
        import ray

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        for chunks, lines in _rounds(plan, todo):
            left, num_failures = dict(enumerate(lines)), 0
            while left:
                try:
                    for row in self._predict(left):
                        if row["error"]:
                            raise EnvironmentFailure(f"on the cluster: {row['error']}")
                        del left[row["place"]]
                        num_failures = 0
                        yield chunks[row["place"]], row["content"]
                except KeyboardInterrupt as stopped:
                    message = "stopped; the same command continues"
                    raise Interrupted(message, signal.SIGINT) from stopped
                except ray.exceptions.RayError as error:
                    num_failures += 1
                    if num_failures == MAX_FAILURES:
                        first = plan.chunk(chunks[min(left)]).first
                        raise EnvironmentFailure(
                            f"the cluster failed {MAX_FAILURES} times at the images from {first} "
                            f"on ({first_words(error)})"
                        ) from error

    def _predict(self, lines: Mapping[int, str]) -> Iterable[dict[str, Any]]:
        """Yield the answers to lines by their places."""
        import ray

        num_cores = int(ray.cluster_resources().get("CPU", 1))
        most = max(1, min(num_cores, len(lines), self.limit or num_cores))
        items = [{"place": place, "line": line} for place, line in lines.items()]
        dataset = ray.data.from_items(items, override_num_blocks=len(items))
        predicted = dataset.map(
            ChunkActor,
            fn_constructor_args=(self.settings, self.folder, __version__),
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most),
            num_cpus=1,
            max_task_retries=MAX_FAILURES - 1,
        )
        rows: Iterable[dict[str, Any]] = predicted.iter_rows()
        return rows


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise EnvironmentFailure(
            f"{folder}: {error.strerror}; the images must lie under the same path on all machines"
        ) from error


def _rounds(
    plan: Plan, todo: Iterable[PlannedChunk]
) -> Iterator[tuple[list[PlannedChunk], list[str]]]:
    """Yield chunks, and their lines, as many as fit a round."""
    chunks, lines, size = list[PlannedChunk](), list[str](), 0
    for planned in todo:
        chunks.append(planned)
        lines.append(plan.line(planned))
        size += len(lines[-1])
        if len(lines) == ROUND_CHUNKS or size >= ROUND_BYTES:
            yield chunks, lines
            chunks, lines, size = [], [], 0
    if lines:
        yield chunks, lines
