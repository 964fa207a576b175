"""Process that loads hostile files: `python measure.py FOLDER NAME...`.

Each file goes through the public `load_predictor` or `adopt`. Files that the scan refuses are
scanned in this process, by the function that the process of a trial runs; others reach that process
itself. A line of JSON for each file has the error, the seconds of processor time after start-up,
the memory above base in MiB, and the events of sockets in this process.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, os.fspath(Path(__file__).parent.parent))

import h5py  # noqa: F401  # part of the start-up, as is the next

from ankleboot.core.errors import AnklebootError
from ankleboot.core.subprocesses import peak_mib, resident_mib, run_isolated
from ankleboot.evaluation.adoption import adopt as adoption
from ankleboot.inference import admission, trial
from ankleboot.inference.load import load_predictor
from ankleboot.models.foreign import child
from hostile.corpus import CORPUS
from hostile.hostile_file import HostileFile

Start = Callable[..., dict[str, Any]]

sockets: list[str] = []


def hear(event: str, _: tuple[Any, ...]) -> None:
    if event.startswith("socket."):
        sockets.append(event)


def in_this_process(work: Callable[[str], object]) -> Start:
    """Replace the start of a child; the errors become documents, as the child writes them."""

    def run(_module: str, argument: str, **_: Any) -> dict[str, Any]:
        try:
            work(argument)
        except AnklebootError as error:
            return {"error": str(error), "exit_code": error.exit_code}
        return {}

    return run


def replace_children(of_admission: Start, of_adoption: Start) -> None:
    """Replace the functions that start the children of `load_predictor` and `adopt`."""
    vars(admission)["run_isolated"] = of_admission
    vars(adoption)["run_isolated"] = of_adoption


def measure(file: HostileFile, folder: Path) -> dict[str, Any]:
    path = folder / file.name.partition(".")[0] / file.name
    figures: list[dict[str, Any]] = []

    def run_child(*arguments: str, **options: Any) -> dict[str, Any]:
        figures.append(run_isolated(*arguments, **options))
        return figures[-1]

    if file.reaches_runtime:
        replace_children(run_child, run_child)
    else:
        replace_children(
            in_this_process(lambda path: trial.examine(Path(path), trial.Figures())),
            in_this_process(lambda job: child._inspect(json.loads(Path(job).read_text()))),
        )
    with suppress(OSError):  # forget the peak of earlier files
        Path("/proc/self/clear_refs").write_text("5")
    error, code = "", 0
    start, base = time.process_time(), resident_mib()
    try:
        if file.by == "adopt":
            adoption.adopt(path, "sample", folder / "run")
        else:
            load_predictor(path)
    except AnklebootError as failure:
        error, code = str(failure), failure.exit_code
    seconds, mib = time.process_time() - start, (peak_mib() or 0) - base
    if file.reaches_runtime:  # the parent waits; a process that was killed gives no figures
        seconds = figures[0].get("seconds", 0.0) if figures else 0.0
        mib = max([mib, *(figure.get("mib", 0.0) for figure in figures)])
    refused = [event for figure in figures for event in figure.get("refused", [])]
    result = {"name": file.name, "error": error, "code": code, "seconds": seconds, "mib": mib}
    return result | {"sockets": [*sockets, *refused]}


def main() -> None:
    sys.addaudithook(hear)
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    for file in CORPUS:
        if file.name in names:
            print(json.dumps(measure(file, folder)), flush=True)


if __name__ == "__main__":
    main()
