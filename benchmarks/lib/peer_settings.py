"""Peers of our server: how each is started, asked and read, in several settings of its own.

All serve the shipped `.tflite` file on LiteRT with two workers where they have such, decode with
Pillow, and respond with label and probabilities. The code of their services is in `peers/`.
"""

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.models.pretrained import catalog
from lib import server_process
from lib.load_spec import HOST, LoadRequest
from lib.payloads import as_json, multipart
from lib.server_process import PATH, ServerProcess

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks/peers"
ENVIRONMENTS = {"peers": ROOT / "build/peers-venv", "mlserver": ROOT / "build/mlserver-venv"}
"""Virtual environments that `make peers` fills; MLServer wants an older Starlette."""

OURS = "ankleboot"
NUM_WORKERS = 2

Probs = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class PeerSetting:
    """A server in one setting.

    Attributes:
        peer: Name of the server.
        setting: What distinguishes it from the server's other settings.
        request: Function from a PNG file to a request.
        probs: Function from a response to the probabilities by label.
        environment: Key of `ENVIRONMENTS`; None is this process's own.
        command: Program and arguments; "{port}" stands for the port.
        variables: Further environment variables.
    """

    peer: str
    setting: str
    request: Callable[[bytes], LoadRequest]
    probs: Callable[[Any], Probs]
    environment: str | None = None
    command: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        return self.environment is None or (ENVIRONMENTS[self.environment] / ".done").exists()

    def start(self) -> ServerProcess:
        """Start the server; it may not take requests yet."""
        if self.environment is None:
            return server_process.start_ankleboot([f"--workers={NUM_WORKERS}", "--log=off"])
        port = server_process.free_port()
        ports = {"port": str(port), "port2": str(server_process.free_port())}
        ports["port3"] = str(server_process.free_port())
        bin_folder = ENVIRONMENTS[self.environment] / "bin"
        program, *arguments = (part.format(**ports) for part in self.command)
        variables = {
            "MODEL_PATH": str(catalog.FOLDER / catalog.MODEL_FILE),
            "PEER_WORKERS": str(NUM_WORKERS),
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "BENTOML_DO_NOT_TRACK": "True",
            "DO_NOT_TRACK": "1",
        }
        variables |= {name: value.format(**ports) for name, value in self.variables.items()}
        command = [str(bin_folder / program), *arguments]
        return ServerProcess(command, port, environment=variables, folder=FOLDER)


def _base64(png: bytes) -> str:
    return base64.b64encode(png).decode()


def _ours_json(png: bytes) -> LoadRequest:
    return LoadRequest(PATH, *as_json([png]))


def _ours_probs(response: Any) -> Probs:
    probs: Probs = response["predictions"][0]["probs"]
    return probs


def _litserve_request(png: bytes) -> LoadRequest:
    body = json.dumps({"image": _base64(png)}).encode()
    return LoadRequest("/predict", "application/json", body)


def _bento_form(png: bytes) -> LoadRequest:
    return LoadRequest("/predict", *multipart([("images", "image.png", "image/png", png)]))


def _mlserver_request(png: bytes) -> LoadRequest:
    tensor = {
        "name": "images",
        "shape": [1, 1],
        "datatype": "BYTES",
        "parameters": {"content_type": "base64"},
        "data": [_base64(png)],
    }
    body = json.dumps({"id": "1", "inputs": [tensor]}).encode()
    return LoadRequest("/v2/models/garments/infer", "application/json", body)


def _mlserver_probs(response: Any) -> Probs:
    tensor = next(output for output in response["outputs"] if output["name"] == "probs")
    return dict(zip(CLASS_NAMES, tensor["data"], strict=True))


def _litserve(setting: str, **variables: str) -> PeerSetting:
    return PeerSetting(
        peer="litserve",
        setting=setting,
        request=_litserve_request,
        probs=lambda response: dict(response["probs"]),
        environment="peers",
        command=("python", "litserve_app.py", "{port}"),
        variables=variables,
    )


def _bentoml(setting: str, service: str, request: Callable[[bytes], LoadRequest]) -> PeerSetting:
    return PeerSetting(
        peer="bentoml",
        setting=setting,
        request=request,
        probs=lambda response: dict((response[0] if service == "Batched" else response)["probs"]),
        environment="peers",
        command=("bentoml", "serve", f"bentoml_app:{service}", f"--host={HOST}", "--port={port}"),
        variables={"PEER_BATCH": "64", "PEER_BATCH_SECONDS": "0.05"},
    )


def _mlserver(setting: str, **variables: str) -> PeerSetting:
    ports = {"HTTP_PORT": "{port}", "GRPC_PORT": "{port2}", "METRICS_PORT": "{port3}"}
    fixed = {"HOST": HOST, "PARALLEL_WORKERS": "0", "DEBUG": "false"} | ports
    return PeerSetting(
        peer="mlserver",
        setting=setting,
        request=_mlserver_request,
        probs=_mlserver_probs,
        environment="mlserver",
        command=("mlserver", "start", "mlserver_garments"),
        variables={f"MLSERVER_{name}": value for name, value in fixed.items()} | variables,
    )


SETTINGS = (
    PeerSetting(
        peer=OURS,
        setting="image as the body",
        request=lambda png: LoadRequest(PATH, "image/png", png),
        probs=_ours_probs,
    ),
    PeerSetting(peer=OURS, setting="JSON", request=_ours_json, probs=_ours_probs),
    _litserve("two workers"),
    _litserve("two workers, fast queue", PEER_FAST_QUEUE="1"),
    _litserve("batches", PEER_FAST_QUEUE="1", PEER_BATCH="32", PEER_BATCH_SECONDS="0.002"),
    _bentoml("two workers", "Single", lambda png: LoadRequest("/predict", "image/png", png)),
    _bentoml("batches", "Batched", _bento_form),
    _mlserver("one process"),
    _mlserver("batches", MLSERVER_MODEL_MAX_BATCH_SIZE="32", MLSERVER_MODEL_MAX_BATCH_TIME="0.002"),
)
"""All settings; those of a peer stand together."""

PEERS = tuple(dict.fromkeys(setting.peer for setting in SETTINGS))
