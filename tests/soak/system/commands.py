"""Commands that the soak disturbs, and the folder that they start from.

Every command runs in a copy of the template, at the same path, so that equal commands give equal
files.
"""

import gzip
import http.server
import shutil
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from soak.promise import Broken
from soak.system.stage import Ended, Job, Stage

LIGHT = ("ankleboot.cli.main", "ankleboot.inference.predict", "soak.system.functions", "sqlite3")
HEAVY = (
    *("tensorflow", "keras", "matplotlib.pyplot", "cv2", "ankleboot.training.trainer"),
    *("ankleboot.evaluation.plots", "ankleboot.inference.keras", "helpers.training", *LIGHT),
)
"""Modules that a stage imports before it forks."""

TINY = {
    **{"blocks": 1, "filters": 4, "dense_units": 16, "batch_size": 200, "epochs": 2},
    **{"batch_norm": "true", "dropout": 0.2, "flip": "true", "max_shift": 2, "rotation": 10},
    **{"random_erasing": 0.3, "hard_example_fraction": 0.5},
    **{"optimizer": "sgd", "schedule": "one_cycle"},
}
"""Changes of `leaky`: little to compute, and all options that have state or randomness."""

SETTINGS = [text for key, value in TINY.items() for text in ("--set", f"{key}={value}")]
GROWING = r"(new|half)/(best\.keras|history\.csv|checkpoint\.npz)"
FUNCTIONS = "soak.system.functions:"


@dataclass(frozen=True)
class Command:
    """Command line, or a function of `functions`.

    Attributes:
        again: Command that continues if the first has begun; "" for the same.
        begun: File that says so.
        weight: How often the command is chosen, where not all cases can be run.
        growing: Pattern of files that have several whole versions on the way.
        result: File that is there when it is done, and is not made a second time.
        parts: Folder beside the result, which the command run again removes.
        is_timed: Whether much of its time is not spent in calls of files.
        leftover: Output that may be left, and into which the command does not write again.
    """

    name: str
    arguments: tuple[Any, ...]
    function: str = ""
    again: tuple[str, ...] = ()
    begun: str = ""
    weight: float = 1
    leftover: str = ""
    growing: str = ""
    result: str = ""
    parts: str = ""
    is_timed: bool = False

    def is_done(self, folder: Path) -> bool:
        """Return whether nothing is left to do in a folder; run again, it may be refused."""
        has_result = bool(self.result) and (folder / self.result).exists()
        return has_result and not (self.parts and (folder / self.parts).exists())

    def job(self, folder: Path, report: Path, **more: Any) -> Job:
        """Return the job that runs it in a folder, or continues it there."""
        if self.function:
            return Job(folder, report, function=self.function, arguments=self.arguments, **more)
        is_begun = self.begun and (folder / self.begun).exists()
        return Job(folder, report, command=self.again if is_begun else self.arguments, **more)


BULK = Command(
    "bulk",
    ("predict", "images", "--output", "all.parquet", "--parallel", "1"),
    weight=0.4,
    result="all.parquet",
    parts="all.parquet.parts",
    is_timed=True,
)


def light_commands(port: int) -> tuple[Command, ...]:
    """List the commands without TensorFlow; `port` is that of `mirror`."""
    return (
        Command("fetch", (port,), FUNCTIONS + "fetch"),
        Command("folder", ("data", "verify", "--data", "images")),
        Command(
            "predict",
            ("predict", "images/red", "--sort-into", "sorted", "--json"),
            leftover="sorted",
            growing=r"sorted/predictions\.csv",  # lists also what could not be read
        ),
        Command("label", (), FUNCTIONS + "label"),
        Command("runs", ("runs", "list", "runs")),
        Command("convert", ("data", "convert", "images", "clean")),
        Command("study", (), FUNCTIONS + "study"),
    )


def heavy_commands() -> tuple[Command, ...]:
    """List the commands that need TensorFlow."""
    train = ("train", "leaky", "--data", "sample", "--run-dir", "new", *SETTINGS)
    return (
        Command(
            "train",
            train,
            again=("train", "--resume", "new"),
            begun="new/recipe.json",
            growing=GROWING,
            is_timed=True,
        ),
        Command("resume", ("train", "--resume", "half"), growing=GROWING, is_timed=True),
        Command("evaluate", ("evaluate", "runs/whole")),
        Command(
            "export",
            ("export", "runs/whole", "--format", "litert"),
            result="runs/whole/exports/model.tflite",
            is_timed=True,
        ),
        Command("report", ("report", "runs/whole"), weight=0.4),
        BULK,
    )


def make_template(folder: Path, stage: Stage, report: Path, *, heavy: bool) -> None:
    """Fill a folder with images of three classes and runs: whole, and (if heavy) half trained."""
    from PIL import Image

    from helpers.run_folders import write_run

    for name, color in (("red", 0), ("green", 1), ("blue", 2)):
        (folder / "images" / name).mkdir(parents=True)
        for number in range(3):
            pixels = np.random.default_rng([color, number]).integers(0, 60, (12, 12, 3), np.uint8)
            pixels[..., color] += 150
            Image.fromarray(pixels).save(folder / "images" / name / f"{number}.png")
    (folder / "tmp").mkdir()
    if not heavy:
        for number in range(3):
            write_run(folder / f"runs/{number}", seed=number)
        return
    train = ["train", "leaky", "--data", "sample", *SETTINGS, "--run-dir"]
    ended = stage.run(Job(folder, report, command=(*train, "runs/whole")))
    require(ended, "training for the template", 0)
    half = Job(folder, report, function=FUNCTIONS + "train_half", arguments=("half",))
    require(stage.run(half), "half a training for the template", 143)


def require(ended: Ended, what: str, code: int) -> None:
    """Fail unless a command ended with a code."""
    if ended.code != code:
        raise Broken(f"{what}: exit code {ended.code}: {ended.stderr[-800:]}")


def copy_template(template: Path, work: Path) -> None:
    """Replace a folder by a copy of the template."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(template, work)


def start_mirror(folder: Path) -> int:
    """Serve the sample from a folder as a mirror would; return the port."""
    from ankleboot.data.fashion_mnist.load import SAMPLE, SAMPLE_FOLDER

    folder.mkdir()
    for file in SAMPLE:
        plain, packed = SAMPLE_FOLDER / file.name, SAMPLE_FOLDER / f"{file.name}.gz"
        content = packed.read_bytes() if packed.exists() else gzip.compress(plain.read_bytes())
        (folder / f"{file.name}.gz").write_bytes(content)
    handler = partial(_Silent, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass
