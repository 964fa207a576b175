"""Order and loss of swaps, with a fake in place of the workers, and their files."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankleboot.core.errors import ModelError
from ankleboot.server.config import ServerConfig
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.http.prometheus import ServerMetrics
from ankleboot.server.reload import ModelFiles, ModelSwapper, Swap
from ankleboot.server.workers.dispatcher import Dispatcher
from ankleboot.server.workers.supervisor import WorkerSupervisor


class FakeSupervisor(WorkerSupervisor):
    """Supervisor whose swaps take a moment; the content of the first model's file is noted."""

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config, Dispatcher(config), AccessLog("off"))
        self.served: list[str] = []
        self.failure: Exception | None = None
        self.num_running = 0

    async def reload(self, paths: dict[str, str]) -> None:
        self.num_running += 1
        assert self.num_running == 1, "two swaps at once"
        await asyncio.sleep(0.02)
        self.num_running -= 1
        if self.failure is not None:
            raise self.failure
        self.served.append(Path(next(iter(paths.values()))).read_text())

    async def return_to_previous(self, paths: dict[str, str]) -> None:
        await self.reload(paths)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "own.tflite"
    path.write_text("first")
    return path


def run_swaps(
    model: Path,
    steps: Callable[[ModelSwapper, FakeSupervisor], Any],
    **fields: Any,
) -> tuple[FakeSupervisor, ModelFiles]:
    """Run some steps with a swapper, and wait until it has nothing to do."""
    config, log = ServerConfig(models=(str(model),), **fields), AccessLog("off")
    files, supervisor = ModelFiles(config, log), FakeSupervisor(config)

    async def run() -> None:
        metrics = ServerMetrics(Dispatcher(config), supervisor)
        swapper = ModelSwapper(files, supervisor, metrics, log)
        await steps(swapper, supervisor)
        await settle(swapper)

    asyncio.run(run())
    return supervisor, files


async def settle(swapper: ModelSwapper) -> None:
    while (task := swapper._task) and not task.done():
        await task


def test_a_reload_asked_for_during_a_reload_is_done_after_it(model: Path) -> None:
    """Point 10: the second SIGHUP was lost, and with it the newest file."""

    async def steps(swapper: ModelSwapper, supervisor: FakeSupervisor) -> None:
        swapper.start()
        swapper.request(Swap.RELOAD)
        while not supervisor.num_running:
            await asyncio.sleep(0)
        model.write_text("second")
        for _ in range(3):  # all three are one, for the files are read when it begins
            swapper.request(Swap.RELOAD)

    supervisor, _ = run_swaps(model, steps)
    assert supervisor.served == ["first", "second"]


def test_a_reload_asked_for_before_the_start_is_done_after_it(model: Path) -> None:
    async def steps(swapper: ModelSwapper, supervisor: FakeSupervisor) -> None:
        swapper.request(Swap.RELOAD)
        await asyncio.sleep(0.05)
        assert supervisor.served == []
        model.write_text("second")
        swapper.start()

    assert run_swaps(model, steps)[0].served == ["second"]


def test_the_way_back_and_forth(model: Path) -> None:
    async def steps(swapper: ModelSwapper, _: FakeSupervisor) -> None:
        swapper.start()
        swapper.request(Swap.RETURN)  # refused: there are no previous models
        model.write_text("second")
        for swap in (Swap.RELOAD, Swap.RETURN, Swap.RETURN, Swap.RETURN):
            swapper.request(swap)

    supervisor, files = run_swaps(model, steps)
    assert supervisor.served == ["second", "first", "second", "first"]
    copies = [Path(next(iter(store.paths.values()))) for store in files._stores]
    assert sorted(copy.read_text() for copy in copies) == ["first", "second"]
    files.remove_others()
    assert not any(copy.exists() for copy in copies)


def test_nothing_is_kept_without_the_option(model: Path) -> None:
    async def steps(swapper: ModelSwapper, _: FakeSupervisor) -> None:
        swapper.start()
        model.write_text("second")
        swapper.request(Swap.RELOAD)
        swapper.request(Swap.RETURN)

    supervisor, files = run_swaps(model, steps, keep_previous=0)
    assert supervisor.served == ["second"] and len(files._stores) == 1


def test_a_failed_reload_keeps_both_models_and_no_file_of_the_new_one(model: Path) -> None:
    async def steps(swapper: ModelSwapper, supervisor: FakeSupervisor) -> None:
        swapper.start()
        model.write_text("second")
        swapper.request(Swap.RELOAD)
        await settle(swapper)
        model.write_text("third")
        for failure in (ModelError("damaged"), ZeroDivisionError("a fault of ours")):
            supervisor.failure = failure
            swapper.request(Swap.RELOAD)
            await settle(swapper)
        supervisor.failure = None
        model.unlink()
        swapper.request(Swap.RELOAD)  # refused: there is no file
        swapper.request(Swap.RETURN)

    supervisor, files = run_swaps(model, steps)
    assert supervisor.served == ["second", "first"] and len(files._stores) == 2


def test_a_reload_after_a_return_that_waits_is_done(model: Path) -> None:
    async def steps(swapper: ModelSwapper, supervisor: FakeSupervisor) -> None:
        swapper.start()
        model.write_text("second")
        swapper.request(Swap.RELOAD)
        swapper.request(Swap.RELOAD)  # waits, or is merged with the first
        swapper.request(Swap.RETURN)
        swapper.request(Swap.RELOAD)
        await settle(swapper)

    supervisor, _ = run_swaps(model, steps)
    assert supervisor.served[-2:] == ["first", "second"]
