"""Worker process: `python -m ankleboot.server.workers.worker MODELS CONFIG`, frames on pipes.

It takes all requests that are waiting, so there is a batch as soon as there is a load, and no
waiting for one when there is none. It ends when its standard input does.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from ankleboot.core.errors import AnklebootError
from ankleboot.inference.predict import ModelRouter, load_router
from ankleboot.models.pretrained import catalog
from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.handler import Answerer, Request
from ankleboot.server.workers.malloc import give_back
from ankleboot.server.workers.model_check import check, described
from ankleboot.server.workers.wire import Splitter, pack

READ_CHUNK_BYTES = 2**20

Frame = tuple[dict[str, Any], bytes]


def main(arguments: list[str]) -> None:
    """Load the models, say what they are, then answer until nobody asks any more."""
    paths: dict[str, str] = json.loads(arguments[0])
    config = ServerConfig.from_worker_json(arguments[1])
    for number in (signal.SIGINT, signal.SIGTERM):  # they come to the whole group; the server says
        signal.signal(number, signal.SIG_IGN)  # when it is over, by closing the pipe
    requests, replies = sys.stdin.fileno(), os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    _limit_memory(config.max_worker_memory_bytes)
    give_back()
    try:
        models = {name: _loaded(Path(path), config) for name, path in paths.items()}
        descriptions = [
            described(name, experts, *_folders(Path(paths[name])))
            for name, experts in models.items()
        ]
    except AnklebootError as error:
        _write(replies, pack({"error": str(error), "exit_code": error.exit_code}))
        return
    _write(replies, pack({"ready": True}, json.dumps(descriptions).encode()))
    _serve(Answerer(models, config), config.max_batched_image_bytes, requests, replies)


def _loaded(path: Path, config: ServerConfig) -> ModelRouter:
    experts = load_router(path)
    for predictor in {id(one): one for one in (experts.usual, experts.photo)}.values():
        check(predictor, config)
    return experts


def _folders(path: Path) -> tuple[Path, Path]:
    """Where cards and results are: of the model, and of the one for photographs."""
    own = catalog.NAMES.get(str(path), path if path.is_dir() else path.parent)
    return own, catalog.NAMES[catalog.PHOTO]


def _limit_memory(max_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = max_bytes if hard == resource.RLIM_INFINITY else min(max_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _serve(answerer: Answerer, max_batched_bytes: int, requests: int, replies: int) -> None:
    splitter = Splitter()
    while data := os.read(requests, READ_CHUNK_BYTES):
        frames = list(splitter.feed(data))
        for group in _groups(frames, max_batched_bytes):
            asked = [
                Request(head["kind"], head["model"], head["type"], body) for head, body in group
            ]
            said = zip(group, answerer.answer(asked), strict=True)
            _write(
                replies,
                b"".join(
                    pack({"id": head["id"], "status": one.status, "trace": one.trace}, one.body)
                    for (head, _), one in said
                ),
            )


def _groups(frames: list[Frame], max_batched_bytes: int) -> list[list[Frame]]:
    """Batch small images; a large one is alone and gets its response before the next begins."""
    small = [frame for frame in frames if _is_small(*frame, max_batched_bytes)]
    others = [[frame] for frame in frames if not _is_small(*frame, max_batched_bytes)]
    return [small, *others] if small else others


def _is_small(head: dict[str, Any], body: bytes, max_bytes: int) -> bool:
    is_picture = head["kind"] == "predict" and head["type"].startswith("image/")
    return is_picture and len(body) <= max_bytes


def _write(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


if __name__ == "__main__":
    main(sys.argv[1:])
