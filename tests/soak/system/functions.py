"""What children run that is no command line: each function ends as a command would."""

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from soak.system.commands import TINY


def through_main(call: Callable[[], Any]) -> int:
    """Call as the command line would: an AnklebootError becomes a line and an exit code."""
    import click

    from ankleboot.cli import main

    main.cli = click.Command("soak", callback=lambda: call() and None)  # type: ignore[assignment]
    return main.run([])


def fetch(port: int) -> int:
    """Complete the cache from the mirror."""
    from ankleboot.data.fashion_mnist import load
    from ankleboot.data.fashion_mnist.sources import Mirror

    load.FASHION_MNIST = load.SAMPLE
    mirror = Mirror(f"http://127.0.0.1:{port}/", ("http",))
    vars(load)["all_sources"] = lambda cleanup: [mirror]
    return through_main(load.fetch_fashion_mnist)


def label() -> int:
    """Decide about six images, tell each decision once it is stored, and take one back."""
    from ankleboot.data.label_file import open_label_file

    def decide() -> None:
        with open_label_file(Path("labels.csv")) as file:
            for number in range(6):
                if f"{number}.png" not in file.decided:
                    file.append(f"{number}.png", "red", "blue")
                print(f"{number}.png", flush=True)
            file.append("0.png", "green", "blue")
            file.undo()

    return through_main(decide)


def study() -> int:
    """Run the toy study with an executor that trains nothing, and write its page."""
    from ankleboot.core.executors.executor import Executor
    from ankleboot.data.load import load_data
    from ankleboot.studies.runner import run_study
    from helpers.studies import TOY

    def run() -> None:
        executor: Executor = _Instant()  # type: ignore[assignment]
        run_study(
            TOY, load_data("sample"), Path("study"), data_name="sample", seeds=3, executor=executor
        )

    return through_main(run)


def begin_run(number: int) -> int:
    """Begin a run in the folder "new" with a seed, and write what an epoch writes."""
    from ankleboot.models.run_dir import create_run
    from helpers.run_folders import write_run

    def begin() -> None:
        with create_run(Path("new")) as run:
            write_run(run.folder, "plain", accuracy=None, seed=number)
            run.write_checkpoint({"weights": np.full(2_000, number)}, {"epoch": number})

    return through_main(begin)


def count_test_read() -> int:
    """Count one look at the test split."""
    from ankleboot.evaluation.test_set_usage import count_evaluation

    return through_main(lambda: count_evaluation("pretrained", "test"))


def write_by_threads(number: int) -> int:
    """Replace one file by four threads that start together, while four others read it."""
    from concurrent.futures import ThreadPoolExecutor

    from ankleboot.core.files import atomic_write

    path, barrier = Path("results.bin"), threading.Barrier(8)

    def write(thread: int) -> None:
        barrier.wait()
        for turn in range(3):
            atomic_write(path, bytes([65 + thread]) * (1 + 4_000 * ((number + turn) % 3)))

    def read(_: int) -> None:
        barrier.wait()
        for _ in range(3):
            if path.exists() and len(set(path.read_bytes())) != 1:
                raise RuntimeError("the file is mixed")

    def together() -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: (write if i % 2 else read)(i), range(8)))

    return through_main(together)


class _Instant:
    """Executor whose tasks take no time."""

    cores = None

    def run(self, tasks: list[Any]) -> Iterator[Any]:
        from ankleboot.core.executors.executor import Outcome
        from helpers.studies import row

        for task in tasks:
            variant, seed = task.arguments[1], int(task.arguments[2])
            yield Outcome(task, dict(row(variant, seed, 0.9)), "", 1.0)


def train_half(folder: str) -> int:
    """Train, and stop after the first steps of the second epoch."""
    import ankleboot
    from helpers.training import StopAt

    def train() -> None:
        changes = {key: str(value) for key, value in TINY.items()}
        recipe = override(get_recipe("leaky"), changes)
        ankleboot.train(
            recipe, load_data("sample"), folder, callbacks=[StopAt(2, 1, signal.SIGTERM)]
        )

    from ankleboot.data.load import load_data
    from ankleboot.recipes.catalog import get_recipe
    from ankleboot.recipes.parse import override

    return through_main(train)
