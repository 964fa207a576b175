"""Worker process: `python -m ankleboot.server.workers.worker MODELS CONFIG`, frames on pipes.

It batches all waiting requests for small images, so there is no batching delay. It exits when its
standard input closes.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from ankleboot.core.errors import AnklebootError
from ankleboot.inference.router import ModelRouter, load_router
from ankleboot.models.pretrained import catalog
from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.handler import InferenceHandler, InferenceRequest
from ankleboot.server.workers.malloc import limit_malloc_cache
from ankleboot.server.workers.model_check import describe_model, smoke_test
from ankleboot.server.workers.wire import FrameDecoder, pack

READ_CHUNK_BYTES = 2**20

Frame = tuple[dict[str, Any], bytes]


def main(arguments: list[str]) -> None:
    """Load the models, describe them, and respond to requests until stdin closes."""
    paths: dict[str, str] = json.loads(arguments[0])
    config = ServerConfig.from_worker_json(arguments[1])
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal sends them to the whole group, but
        signal.signal(number, signal.SIG_IGN)  # the server stops its workers by closing stdin
    requests, replies = sys.stdin.fileno(), os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # output of libraries must not enter the pipe
    _limit_memory(config.max_worker_memory_bytes)
    limit_malloc_cache()
    try:
        models = {name: _load_model(Path(path), config) for name, path in paths.items()}
        descriptions = [
            describe_model(name, router, *_card_folders(Path(paths[name])))
            for name, router in models.items()
        ]
    except AnklebootError as error:
        _write(replies, pack({"error": str(error), "exit_code": error.exit_code}))
        return
    _write(replies, pack({"ready": True}, json.dumps(descriptions).encode()))
    handler = InferenceHandler(models, config)
    _respond_to_all(handler, config.max_batched_image_bytes, requests, replies)


def _load_model(path: Path, config: ServerConfig) -> ModelRouter:
    router = load_router(path)
    for predictor in {id(model): model for model in (router.default, router.photo)}.values():
        smoke_test(predictor, config)
    return router


def _card_folders(path: Path) -> tuple[Path, Path]:
    """Return the folders with the cards and results of the model and of the one for photos."""
    own = catalog.FOLDERS.get(str(path), path if path.is_dir() else path.parent)
    return own, catalog.FOLDERS[catalog.PHOTO]


def _limit_memory(max_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = max_bytes if hard == resource.RLIM_INFINITY else min(max_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _respond_to_all(
    handler: InferenceHandler, max_batched_bytes: int, requests: int, replies: int
) -> None:
    decoder = FrameDecoder()
    while data := os.read(requests, READ_CHUNK_BYTES):
        for batch in _batches(list(decoder.feed(data)), max_batched_bytes):
            results = handler.respond(
                [
                    InferenceRequest(head["kind"], head["model"], head["type"], body)
                    for head, body in batch
                ]
            )
            frames = [
                pack({"id": head["id"], "status": reply.status, "trace": reply.trace}, reply.body)
                for (head, _), reply in zip(batch, results, strict=True)
            ]
            _write(replies, b"".join(frames))


def _batches(frames: list[Frame], max_batched_bytes: int) -> list[list[Frame]]:
    """Batch small images; a large one is alone and gets its reply before the next begins."""
    small = [frame for frame in frames if _is_small(*frame, max_batched_bytes)]
    others = [[frame] for frame in frames if not _is_small(*frame, max_batched_bytes)]
    return [small, *others] if small else others


def _is_small(head: dict[str, Any], body: bytes, max_bytes: int) -> bool:
    is_image = head["kind"] == "predict" and head["type"].startswith("image/")
    return is_image and len(body) <= max_bytes


def _write(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


if __name__ == "__main__":
    main(sys.argv[1:])
