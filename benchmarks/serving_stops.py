"""Stop the server under load many times, and count lost requests.

    python benchmarks/serving_stops.py --stops 50

Three clients keep the server busy: with connections that stay open, with one connection per
request, and with photos, which take longest. At a random moment the server gets a SIGTERM. It must
exit with 0 and respond to every accepted request. A refused connection is not a loss; a connection
that ends without a response is one. Writes benchmarks/results/serving_stops.json.
"""

import argparse
import functools
import json
import random
import sys
from pathlib import Path

from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info
from lib import payloads, server_process
from lib.load_spec import LoadRequest, record_expected
from lib.server_process import PATH
from lib.stops import StopClient, num_lost, stop_under_load, total_stops

RESULT = Path(__file__).parent / "results/serving_stops.json"
MIN_MOMENT_S, MAX_MOMENT_S = 0.7, 2.5  # from the start of the clients to SIGTERM


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--stops", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="seed of the random moments")
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--serve", nargs="*", default=[], help="options of ankleboot serve")
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)
    images, photos = payloads.images(200), payloads.photos(10)
    start = functools.partial(server_process.start_ankleboot, arguments.serve)
    with start() as server:
        small, large = (
            record_expected(server.port, [LoadRequest(PATH, kind, file) for file in files])
            for kind, files in (("image/png", images), ("image/jpeg", photos))
        )
    clients = {
        "kept": StopClient(12, small),
        "one request a connection": StopClient(6, small, keep_alive=False),
        "photographs": StopClient(3, large),
    }
    rows = []
    for number in range(arguments.stops):
        moment = moments.uniform(MIN_MOMENT_S, MAX_MOMENT_S)
        rows.append(stop_under_load(start, clients, moment))
        print(number + 1, json.dumps(rows[-1]), flush=True)
    found = total_stops(rows, list(clients)) | {"command": " ".join(["python", *sys.argv])}
    write_json(arguments.output, found | {"runs": rows} | machine_info())
    print(json.dumps(found, indent=2))
    return int(num_lost(found) > 0 or set(found["exit_codes"]) != {"0"})


if __name__ == "__main__":
    sys.exit(main())
