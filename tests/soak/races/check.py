"""Two to eight processes at one cache, run folder, download, label file, count or results file.

Each of them ends as it should, what they leave is what one of them leaves, and nothing of two.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from ankleboot.data.label_file import read_label_file
from ankleboot.models.run import Run
from soak.promise import Broken, Cases, Outcome
from soak.races.scheduler import run_together
from soak.system.bench import Bench, bench, verify_same
from soak.system.commands import FUNCTIONS, Command, light_commands
from soak.system.stage import Ended, Job
from soak.system.tree import Tree, read_tree, verify_swept

MAX_PROCESSES = 8

Verify = Callable[[Bench, list[Ended], Tree], None]


@dataclass(frozen=True)
class Race:
    """Command that several processes run.

    Attributes:
        losers: Exit codes of those that came too late; 0 if all of them succeed.
        verify: Further check; it receives the files of the command alone.
        takes_number: Whether the function receives the number of its process.
    """

    command: Command
    losers: tuple[int, ...]
    verify: Verify
    takes_number: bool = False


def check(cases: Cases) -> Outcome:
    """Run processes together, in orders that the seed decides."""
    outcome, place = Outcome(), bench(heavy=False)
    races = _races(place.port)
    for number, chance in cases:
        race = races[number % len(races)]
        processes = chance.randint(2, MAX_PROCESSES)
        with outcome.case(number, f"{processes} x {race.command.name}"):
            outcome.counts["turns"] += _hold(place, race, processes, chance)
            outcome.counts[race.command.name] += 1
    return outcome


def _races(port: int) -> list[Race]:
    by_name = {command.name: command for command in light_commands(port)}
    return [
        Race(by_name["folder"], (0,), _same),
        Race(by_name["fetch"], (0,), _same),
        Race(by_name["label"], (0, 5), _verify_labels),
        Race(by_name["study"], (0, 5), _same),
        Race(by_name["runs"], (0,), _same),
        Race(Command("run", (), FUNCTIONS + "begin_run"), (2, 4), _verify_run, takes_number=True),
        Race(Command("count", (), FUNCTIONS + "count_test_read"), (0,), _verify_count),
        Race(
            Command("results", (), FUNCTIONS + "write_by_threads"),
            (0,),
            _verify_file,
            takes_number=True,
        ),
    ]


def _hold(place: Bench, race: Race, processes: int, chance: Random) -> int:
    alone = place.clean(_numbered(race, 0)).tree
    place.reset()
    jobs = [_job(place, race, number) for number in range(processes)]
    ended, turns = run_together(place.stage, jobs, chance)
    for one in ended:
        if one.code not in (0, *race.losers) or "Traceback" in one.stderr:
            raise Broken(f"exit code {one.code}: {one.stderr[-800:]}")
    winners = sum(one.code == 0 for one in ended)
    if not winners or (winners > 1 and 0 not in race.losers):
        raise Broken(f"{winners} of {processes} succeeded")
    race.verify(place, ended, alone)
    verify_swept(place.work)
    return turns


def _numbered(race: Race, number: int) -> Command:
    return replace(race.command, arguments=(number,)) if race.takes_number else race.command


def _job(place: Bench, race: Race, number: int) -> Job:
    job = place.job(_numbered(race, number))
    return replace(job, report=place.folder / f"report-{number}")


def _same(place: Bench, ended: list[Ended], alone: Tree) -> None:
    verify_same(read_tree(place.work), alone)


def _verify_labels(place: Bench, ended: list[Ended], alone: Tree) -> None:
    verify_same(read_tree(place.work), alone)
    told = {name for one in ended for name in one.stdout.split()}
    decided = {one.path: one.label for one in read_label_file(place.work / "labels.csv")[1]}
    if told - decided.keys() or set(decided.values()) != {"red"}:
        raise Broken(f"told {sorted(told)}, kept {decided}")


def _verify_run(place: Bench, ended: list[Ended], alone: Tree) -> None:
    (winner,) = (number for number, one in enumerate(ended) if one.code == 0)
    run = Run(place.work / "new")
    checkpoint = run.read_checkpoint()
    if checkpoint is None or {run.recipe().seed, checkpoint[1]["epoch"]} != {winner}:
        raise Broken(f"the folder is not that of process {winner} alone")
    if set(checkpoint[0]["weights"]) != {winner}:
        raise Broken("weights of another process")


def _verify_count(place: Bench, ended: list[Ended], alone: Tree) -> None:
    (path,) = place.work.rglob("test_reads.json")
    if f'"test_reads": {len(ended)}' not in path.read_text():
        raise Broken(f"{len(ended)} looks, counted {path.read_text()}")


def _verify_file(place: Bench, ended: list[Ended], alone: Tree) -> None:
    if len(set((place.work / "results.bin").read_bytes())) != 1:
        raise Broken("the file is mixed")
