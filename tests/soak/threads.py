"""Cases shared out to threads."""

import random
import threading
from collections.abc import Callable, Sequence

from soak.promise import Cases, Outcome

Work = Callable[[int, random.Random], str]
"""Function of a case that returns what went wrong, or ""."""


def run_in_threads(cases: Cases, workers: Sequence[tuple[str, Work]]) -> Outcome:
    """Run each worker, a name and a function, in a thread of its own until no case is left."""
    outcome, lock, remaining = Outcome(), threading.Lock(), iter(cases)

    def work(name: str, function: Work) -> None:
        while True:
            with lock:
                found = next(remaining, None)
            if found is None:
                return
            try:
                failure = function(*found)
            except Exception as error:
                failure = repr(error)
            with lock:
                outcome.counts[name] += 1
                outcome.kept += not failure
                if failure:
                    outcome.failures.append(f"case {found[0]} ({name}): {failure}")

    threads = [threading.Thread(target=work, args=worker) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome
