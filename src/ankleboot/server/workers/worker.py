"""Worker process: `python -m ankleboot.server.workers.worker MODELS CONFIG`, frames on pipes.

It batches all waiting requests for small images, so there is no batching delay. It exits when its
standard input closes.
"""

import json
import os
import signal
import sys
from pathlib import Path

from ankleboot.core.errors import AnklebootError
from ankleboot.core.signals import STOP_SIGNALS
from ankleboot.core.subprocesses import set_limit
from ankleboot.inference.router import ModelRouter, load_router
from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.handler import InferenceHandler, InferenceRequest
from ankleboot.server.workers.malloc import limit_malloc_cache
from ankleboot.server.workers.model_check import describe_model, smoke_test
from ankleboot.server.workers.wire import FrameDecoder, pack

Frame = tuple[int, InferenceRequest]  # the first is its id


def main(arguments: list[str]) -> None:
    """Load the models, describe them, and respond to requests until stdin closes."""
    paths: dict[str, str] = json.loads(arguments[0])
    config = ServerConfig.from_worker_json(arguments[1])
    for number in STOP_SIGNALS:  # some send them to all processes, but the server stops its workers
        signal.signal(number, signal.SIG_IGN)  # by closing stdin
    requests, replies = sys.stdin.fileno(), os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # output of libraries must not enter the pipe
    _limit_memory(config.max_worker_memory_bytes)
    limit_malloc_cache()
    try:
        models = {name: _load_model(Path(path), config) for name, path in paths.items()}
        described = [describe_model(name, models[name], Path(path)) for name, path in paths.items()]
    except AnklebootError as error:
        _write(replies, pack({"error": str(error), "exit_code": error.exit_code}))
        return
    _write(replies, pack({"ready": True}, json.dumps(described).encode()))
    _respond_to_all(InferenceHandler(models, config), config, requests, replies)


def _load_model(path: Path, config: ServerConfig) -> ModelRouter:
    router = load_router(path, trust=config.trust)
    for predictor in {id(model): model for model in (router.default, router.photo)}.values():
        smoke_test(predictor, config)
    return router


def _limit_memory(max_bytes: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    set_limit(resource.RLIMIT_AS, max_bytes)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _respond_to_all(
    handler: InferenceHandler, config: ServerConfig, requests: int, replies: int
) -> None:
    decoder = FrameDecoder()
    while data := os.read(requests, 2**20):
        frames = [
            (
                head["id"],
                InferenceRequest(
                    head["kind"], head["model"], head["type"], body, head.get("version", "")
                ),
            )
            for head, body in decoder.feed(data)
        ]
        for batch in _batches(frames, config.max_batched_image_bytes):
            results = handler.respond([request for _, request in batch])
            packed = [
                pack({"id": number, "status": reply.status, "trace": reply.trace}, reply.body)
                for (number, _), reply in zip(batch, results, strict=True)
            ]
            _write(replies, b"".join(packed))


def _batches(frames: list[Frame], max_bytes: int) -> list[list[Frame]]:
    """Batch small images; a large one is alone and gets its reply before the next begins."""
    small, others = list[Frame](), list[list[Frame]]()
    for frame in frames:
        _, request = frame
        is_image = request.kind == "predict" and request.content_type.startswith("image/")
        if is_image and len(request.body) <= max_bytes:
            small.append(frame)
        else:
            others.append([frame])
    return [small, *others] if small else others


def _write(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


if __name__ == "__main__":
    main(sys.argv[1:])
