"""Module that the tests of executors run in child processes.

    python -m helpers.task ACTION [ARGUMENT]...

Actions that happen once leave a file, so that the next try behaves.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

MAX_WAIT_S = 30


def main() -> None:
    action, *arguments = sys.argv[1:]
    match action:
        case "echo":
            print(json.dumps({"said": arguments}))
        case "threads":
            names = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS")
            print(json.dumps({name: os.environ[name] for name in names}))
        case "fail":
            sys.exit("it went wrong")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die-once":
            mark = Path(arguments[0])
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            print(json.dumps({"survived": True}))
        case "sleep":
            Path(arguments[0]).write_text(str(os.getpid()))
            time.sleep(float(arguments[1]))
            print(json.dumps({"slept": True}))
        case "meet":  # a task that runs at the same time
            own, other = map(Path, arguments)
            own.touch()
            until = time.monotonic() + MAX_WAIT_S
            while not other.exists():
                if time.monotonic() > until:
                    sys.exit("nobody came")
                time.sleep(0.01)
            print(json.dumps({"met": True}))
        case "write":
            folder = Path(arguments[0])
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "file").write_text(arguments[1])
            print(json.dumps({"here": str(folder)}))


if __name__ == "__main__":
    main()
