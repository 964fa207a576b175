"""Settings, summary and table of `bench.py peers`, and what its servers are measured with."""

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import EnvironmentFailure, UsageError
from helpers.server import wait_until
from lib import peer_tables, peers, server_process
from lib.load_spec import LoadRequest
from lib.load_stats import FAILURES
from lib.peer_settings import PEERS, SETTINGS
from lib.server_process import ServerProcess
from lib.stops import StopClient, num_lost, stop_under_load, total_stops

SERVICE = """
import http.server, json, os, subprocess, sys, time
started = time.time()

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        is_ready = time.time() - started > {delay}
        time.sleep({pause})
        self.send_response(200 if is_ready else 503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

{code}
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def start(*, delay: float = 0.0, pause: float = 0.0, code: str = "") -> ServerProcess:
    """Start a server of Python's library, which takes no notice of SIGTERM but to end."""
    port = server_process.free_port()
    text = SERVICE.format(delay=delay, pause=pause, code=code)
    return ServerProcess([sys.executable, "-c", text, str(port)], port)


REQUEST = LoadRequest("/predict", "application/json", b"{}")


def test_a_server_is_ready_at_its_first_right_response() -> None:
    with start(delay=0.5) as server:
        listening = server.ready_seconds
        assert server.wait_for_response(REQUEST) == b"{}"
        assert server.ready_seconds > 0.5 and server.ready_seconds > listening


def test_what_a_server_leaves_behind_is_killed(tmp_path: Path) -> None:
    code = (
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))"
    )
    with start(code=code) as server:
        server.wait_for_response(REQUEST)
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: has_ended(pid))


def has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return state.rpartition(")")[2].split()[0] == "Z"


def test_a_stop_that_drops_requests_is_counted() -> None:
    clients = {"kept": StopClient(4, [REQUEST])}
    row = stop_under_load(lambda: start(pause=0.3), clients, 2.0)
    total = total_stops([row, row], ["kept"])
    assert row["exit_code"] == -15 and total["exit_codes"] == {"-15": 2}
    assert total["stops"] == 2 and total["sent"] == 2 * row["kept"]["sent"]
    failures = total["failures"]
    assert total["sent"] == total["statuses"].get("200", 0) + sum(failures.values())
    assert num_lost(total) == sum(failures.values()) - failures["refused"]
    assert num_lost(total) >= 8  # all four of both stops were waiting


def test_refused_connections_are_no_losses() -> None:
    failures = dict.fromkeys(FAILURES, 0) | {"refused": 3}
    assert num_lost({"failures": failures}) == 0
    assert num_lost({"failures": failures | {"cut_short": 1, "lost_on_kept": 2}}) == 3


def png(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (28, 28), dtype=np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def test_every_peer_gets_the_image_and_has_two_settings() -> None:
    image, probs = png(0), {label: index / 45 for index, label in enumerate(CLASS_NAMES)}
    reply = {"probs": probs}
    tensor = {"name": "probs", "data": list(probs.values())}
    responses: dict[str, list[Any]] = {
        "ankleboot": [{"predictions": [reply]}],
        "litserve": [reply],
        "bentoml": [reply, [reply]],
        "mlserver": [{"outputs": [{"name": "label"}, tensor]}],
    }
    for peer in PEERS:
        settings = [setting for setting in SETTINGS if setting.peer == peer]
        assert len(settings) >= 2
        for index, setting in enumerate(settings):
            body = setting.request(image).body
            assert image in body or base64.b64encode(image) in body
            response = responses[peer][min(index, len(responses[peer]) - 1)]
            assert setting.probs(json.loads(json.dumps(response))) == probs


def test_the_best_setting_of_each_peer_counts() -> None:
    settings = SETTINGS[:4]
    trials = [{"requests_per_second": rate} for rate in (10.0, 30.0, 20.0, 5.0)]
    assert peers.best_settings(settings, trials) == [SETTINGS[1], SETTINGS[2]]


def test_a_server_with_other_predictions_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    images = peers.Images()
    probs = dict(images.expected[0].probs)
    responses: list[dict[str, Any]] = []
    monkeypatch.setattr(
        ServerProcess,
        "wait_for_response",
        lambda *_: json.dumps(responses.pop(0)).encode(),
    )
    setting = next(setting for setting in SETTINGS if setting.peer == "litserve")
    with start() as server:
        responses = [{}] + [{"probs": prediction.probs} for prediction in images.expected]
        images.check(setting, server)
        probs["Dress"] += 1e-3
        responses = [{}, {"probs": probs}]
        with pytest.raises(EnvironmentFailure, match=r"litserve, two workers: .* by 0\.001"):
            images.check(setting, server)


def row(peer: str, round_: int, rate: float) -> dict[str, Any]:
    figures = {
        "ready_seconds": 1.5,
        "requests_per_second": rate,
        "steady_p50_ms": 2.0,
        "steady_p99_ms": None,
        "pss_mib_at_start": 100.0,
    }
    return {"peer": peer, "setting": "usual", "round": round_, "figures": figures}


def test_the_table_compares_round_by_round_and_says_what_was_tried() -> None:
    rows = [row("ankleboot", 0, 100.0), row("ankleboot", 1, 300.0)]
    rows += [row("litserve", 0, 50.0), row("litserve", 1, 100.0)]
    ours, theirs = peers.summarize_peers(rows)
    assert ours["ratio"] == 1 and theirs["ratio"] == 2.5 and theirs["requests_per_second"] == 75
    stops = {"litserve": {"stops": 50, "lost": 7, "sent": 1_000}}
    trial = {"peer": "litserve", "setting": "usual", "requests_per_second": 60.0}
    document = {
        "summary": [ours, theirs],
        "stops": stops,
        "trials": [trial],
        "cores": 2,
        "packages": {"peers": {"litserve": "0.2.19"}},
        "left_out": ["mlserver"],
    }
    text = "\n".join(peer_tables.peer_lines(document))
    line = "| `litserve` | usual | 1.5 s | 100 MiB | 75 | 2.5 x | 2.0 ms |  | 7 of 1,000 |"
    assert line in text and "| `ankleboot` | usual | 1.5 s | 100 MiB | 200 |  |" in text
    assert "litserve (usual) 60" in text and "litserve 0.2.19" in text
    assert "Left out: mlserver." in text


def test_an_unknown_peer_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown peer 'triton'; valid: ankleboot, litserve"):
        peers.measure_peers(1, ["triton"], 1.0, 0, print)
