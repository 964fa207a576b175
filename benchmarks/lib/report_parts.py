"""Wall and CPU seconds of one `ankleboot report` in this process, by part.

`python -m lib.report_parts RUN PAGE` measures once; ANKLEBOOT_STARTED holds the time of its start.
"""

import functools
import importlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ankleboot.core.tensorflow_settings import use_backend

PARTS = {
    "data, verified": "ankleboot.evaluation.report.write:dataset_for",
    "images of the split": "ankleboot.evaluation.report.write:cached_predictions",
    "metrics": "ankleboot.evaluation.report.write:evaluate_probs",
    "corrupted images": "ankleboot.evaluation.report.write:measure_robustness",
    "predictions": "ankleboot.inference.predictor:BatchPredictor.predict",
    "charts": "ankleboot.evaluation.report.charts:draw_charts",
    "explanations": "ankleboot.evaluation.report.explanations:compute_maps",
    "similar training images": "ankleboot.evaluation.report.network:nearest_images",
    "page": "ankleboot.evaluation.report.write:render",
}
"""Functions whose time counts as a part, without that of the parts that they call."""


class Stopwatch:
    """Wall and CPU seconds by part; a part that another one calls is named after both."""

    def __init__(self) -> None:
        self.parts: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        self._open: list[str] = []
        self._last = time.perf_counter(), time.process_time()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Give the time of the block to a part."""
        self._lap()
        self._open.append(f"{self._open[-1]}: {name}" if self._open else name)
        try:
            yield
        finally:
            self._lap()
            self._open.pop()

    def _lap(self) -> None:
        now = time.perf_counter(), time.process_time()
        if self._open:
            (wall, cpu), (was, cpu_was) = self.parts[self._open[-1]], self._last
            self.parts[self._open[-1]] = wall + now[0] - was, cpu + now[1] - cpu_was
        self._last = now

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that does the same as another and counts its time as a part."""

        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            with self.part(name):
                return function(*arguments, **options)

        return call


def main(arguments: list[str]) -> None:
    """Write the report of a run and print the seconds of its parts as JSON."""
    run, page = map(Path, arguments)
    use_backend("tensorflow")  # as the command does it
    for module in ("write", "charts", "explanations", "network"):  # the last one imports TensorFlow
        importlib.import_module(f"ankleboot.evaluation.report.{module}")
    imports = time.time() - float(os.environ["ANKLEBOOT_STARTED"]), time.process_time()
    watch = Stopwatch()
    for name, place in PARTS.items():
        module, _, attribute = place.partition(":")
        owner = importlib.import_module(module)
        *classes, attribute = attribute.split(".")
        for class_name in classes:
            owner = getattr(owner, class_name)
        setattr(owner, attribute, watch.timed(name, getattr(owner, attribute)))
    write = importlib.import_module("ankleboot.evaluation.report.write")
    with watch.part("the rest"):
        report = write.write_report(run, page)
    parts = {"imports": imports, **watch.parts}
    document = {
        "parts": {
            name.removeprefix("the rest: "): {
                "seconds": round(wall, 2),
                "cpu_seconds": round(cpu, 2),
            }
            for name, (wall, cpu) in parts.items()
        },
        "seconds": round(time.time() - float(os.environ["ANKLEBOOT_STARTED"]), 2),
        "cpu_seconds": round(time.process_time(), 2),
        "bytes": report.num_bytes,
        "source": str(Path(sys.modules["ankleboot"].__path__[0]).resolve()),
        "sentences": list(report.sentences),
    }
    print(json.dumps(document))


if __name__ == "__main__":
    main(sys.argv[1:])
