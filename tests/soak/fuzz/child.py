"""Process that reads mutated inputs; a watchdog ends each that takes too long or too much.

    python -m soak.fuzz.child FOLDER SEED NAME

It takes lines of numbers of cases from stdin and answers each with a line of JSON.
"""

import json
import logging
import os
import random
import resource
import shutil
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from soak.fuzz.mutate import mutate
from soak.fuzz.readers import EXPECTED, READERS, Reader

MAX_CPU_S = 2.0
MAX_GROWTH_KIB = 300 * 2**10
CHECKED_GROWTH_KIB = 50 * 2**10
ADDRESS_SPACE = 6 * 2**30  # beyond what is mapped at the start
SOURCE = os.sep + os.path.join("src", "ankleboot") + os.sep


class TooSlow(BaseException):
    """Case that takes too long; no `except Exception` may swallow it."""


def main(folder: Path, seed: str, name: str) -> None:
    logging.disable()  # of the parsers
    limit = _mapped_bytes() + ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    progress = os.open(folder / "progress", os.O_RDWR | os.O_CREAT)
    for reader in READERS:
        _ = reader.seeds
    for line in sys.stdin:
        failures, counts = [], dict[str, int]()
        for number in map(int, line.split()):
            os.pwrite(progress, number.to_bytes(8, "little"), 0)
            reader, content = case_of(seed, name, number)
            failure = read(reader, folder / "case", content)
            counts[reader.name] = counts.get(reader.name, 0) + 1
            if failure:
                failures.append((number, reader.name, failure))
        print(json.dumps({"counts": counts, "failures": failures}), flush=True)


def case_of(seed: str, name: str, number: int) -> tuple[Reader, bytes]:
    """Return the reader and the input of a case."""
    draw = random.Random(f"{seed}/{name}/{number}")
    (reader,) = draw.choices(READERS, [reader.weight for reader in READERS])
    return reader, mutate(reader.seeds, reader.is_json, draw)


def read(reader: Reader, folder: Path, content: bytes) -> str:
    """Read an input; return what went wrong, or ""."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    signal.signal(signal.SIGPROF, _stop)
    before = _peak_kib()
    signal.setitimer(signal.ITIMER_PROF, MAX_CPU_S)
    try:
        reader.read(folder, content)
        failure = ""
    except EXPECTED:
        failure = ""
    except TooSlow as error:
        failure = f"more than {MAX_CPU_S} s in {_place(error)}"
    except Exception as error:
        failure = f"{type(error).__name__}: {str(error)[:150]!a} in {_place(error)}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    growth = _peak_kib() - before
    if growth > CHECKED_GROWTH_KIB:
        Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    if growth > MAX_GROWTH_KIB and not failure:
        failure = f"{growth >> 10} MiB"
    return failure


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if SOURCE in frame.filename] or list(frames)
    name = own[-1].filename.rpartition(SOURCE)[2]
    return f"{name}:{own[-1].lineno}"


def _stop(_: int, frame: FrameType | None) -> None:
    raise TooSlow


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _mapped_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
