"""The server's parts by themselves, and the command from its start to its end."""

import asyncio
import base64
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ankleboot.cli.main import cli
from ankleboot.cli.serve import serve as serve_command
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import EnvironmentFailure, ModelError, UsageError
from ankleboot.core.limits import MAX_PIXELS
from ankleboot.data.load import load_data
from ankleboot.inference.predict import load_router
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from ankleboot.server.body_parser import Sent, pictures
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import RequestProblem
from ankleboot.server.http.access_log import FLUSH_AFTER_S, Form, Journal
from ankleboot.server.http.listener import listen
from ankleboot.server.http.middleware import Hosts
from ankleboot.server.http.rate_limit import RateLimit
from ankleboot.server.workers.handler import Answerer, Request
from ankleboot.server.workers.model_check import check
from ankleboot.server.workers.model_store import Placed
from ankleboot.server.workers.wire import Splitter, pack
from helpers.predictors import FakePredictor
from helpers.server import config, served

ROOT = Path(__file__).parents[2]
MAX_IMAGES = ServerConfig.max_images_per_request
heads = st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=4)


# frames


@given(st.lists(st.tuples(heads, st.binary(max_size=300)), max_size=5), st.integers(1, 50))
def test_frames_come_out_as_they_went_in(
    frames: list[tuple[dict[str, Any], bytes]], piece: int
) -> None:
    stream = b"".join(pack(head, body) for head, body in frames)
    splitter, found = Splitter(), list[Any]()
    for start in range(0, len(stream), piece):
        found += splitter.feed(stream[start : start + piece])
    assert found == frames


# bodies


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def form(*parts: tuple[str, str, bytes]) -> tuple[str, bytes]:
    """Content type and body of files with a name and a type."""
    lines = [
        b"--limit\r\nContent-Disposition: form-data; name=images; "
        + f'filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, kind, content in parts
    ]
    return "multipart/form-data; boundary=limit", b"".join([*lines, b"--limit--\r\n"])


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=6))
def test_all_three_kinds_of_body_hold_the_same_pictures(contents: list[bytes]) -> None:
    contents = [content.replace(b"--limit", b"") or b"x" for content in contents]
    encoded = [base64.b64encode(content).decode() for content in contents]
    by_json = pictures("application/json", json.dumps({"images": encoded}).encode(), MAX_IMAGES)
    assert by_json == [Sent(None, content) for content in contents]
    kind, body = form(*((f"{i}.png", "image/png", c) for i, c in enumerate(contents)))
    assert pictures(kind, body, MAX_IMAGES) == [Sent(f"{i}.png", c) for i, c in enumerate(contents)]
    assert pictures("image/png", contents[0], MAX_IMAGES) == [Sent(None, contents[0])]


@given(st.sampled_from(["application/json", "multipart/form-data; boundary=x"]), st.binary())
def test_no_body_ends_in_anything_but_pictures_or_a_problem(kind: str, body: bytes) -> None:
    try:
        found = pictures(kind, body, MAX_IMAGES)
    except RequestProblem as problem:
        assert problem.status in (400, 413, 422)
    else:
        assert found


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("text/html", b"x", 415, "unsupported_type"),
        ("", b"x", 415, "unsupported_type"),
        ("image/svg+xml", b"<svg/>", 415, "unsupported_type"),
        ("image/png", b"", 422, "no_picture"),
        ("application/json", b"{", 400, "bad_json"),
        ("application/json", b'{"images": [NaN]}', 400, "bad_json"),
        ("application/json", b'{"images": ["eA=="], "images": []}', 400, "bad_json"),
        ("application/json", '{"images": ["eA=="]}'.encode("utf-16"), 400, "bad_json"),
        ("application/json", b"\xef\xbb\xbf{}", 400, "bad_json"),
        ("application/json", b"[" * 100_000, 400, "bad_json"),
        ("application/json", b'{"url": "http://127.0.0.1/"}', 422, "bad_request"),
        ("application/json", b'{"images": []}', 422, "bad_request"),
        ("application/json", b'{"images": "eA=="}', 422, "bad_request"),
        ("multipart/form-data", b"x", 400, "bad_form"),
        ("multipart/form-data; boundary=x", b"--x\r\n", 400, "bad_form"),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 422, "no_picture"),
    ],
)
def test_a_bad_body_has_its_status_and_code(kind: str, body: bytes, status: int, code: str) -> None:
    with pytest.raises(RequestProblem) as caught:
        pictures(kind, body, MAX_IMAGES)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_too_many_pictures_are_not_even_looked_at() -> None:
    bodies = [
        ("application/json", json.dumps({"images": ["eA=="] * 4}).encode()),
        form(*[("a.png", "image/png", b"x")] * 4),
    ]
    for kind, body in bodies:
        assert len(pictures(kind, body, 4)) == 4
        with pytest.raises(RequestProblem, match="More than 3 images"):
            pictures(kind, body, 3)


def test_a_part_that_is_no_picture_keeps_its_place() -> None:
    kind, body = form(("a.svg", "image/svg+xml", b"<svg/>"), ("b.png", "image/png", b"x"))
    first, second = pictures(kind, body, MAX_IMAGES)
    assert isinstance(first, RequestProblem) and first.status == 415
    assert second == Sent("b.png", b"x")


def test_names_are_made_printable_and_short() -> None:
    (found,) = pictures(*form(("../\u202egnp.exe" + "x" * 999, "image/png", b"x")), MAX_IMAGES)
    assert isinstance(found, Sent) and found.name is not None
    assert found.name.startswith("../\\u202egnp") and len(found.name) == 255


# answers


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    return Answerer({"pretrained": load_router(Path("pretrained"))}, ServerConfig())


def ask(answerer: Answerer, *bodies: tuple[str, bytes], kind: str = "predict") -> list[Any]:
    replies = answerer.answer([Request(kind, "pretrained", *body) for body in bodies])
    assert not any(reply.trace for reply in replies), replies[0].trace
    return [(reply.status, json.loads(reply.body)) for reply in replies]


def test_one_bad_picture_does_not_harm_the_others(answerer: Answerer) -> None:
    good = png(load_data("sample").test.images[0])
    ((status, document),) = ask(
        answerer, form(("a.png", "image/png", good), ("b.png", "image/png", b"no picture"))
    )
    assert status == 200
    first, second = document["predictions"]
    assert first["name"] == "a.png" and first["label"] in CLASS_NAMES
    assert second["name"] == "b.png" and second["error"]["code"] == "not_a_picture"


def test_requests_that_are_answered_together_get_the_same_answers(answerer: Answerer) -> None:
    bodies = [("image/png", png(image)) for image in load_data("sample").test.images[:40]]
    bodies[7] = ("image/png", b"no picture")
    bodies[11] = ("text/plain", b"")
    together = ask(answerer, *bodies)
    assert together == [ask(answerer, body)[0] for body in bodies]
    assert [status for status, _ in together[7:12]] == [422, 200, 200, 200, 415]


def test_the_answer_is_that_of_predict(answerer: Answerer, tmp_path: Path) -> None:
    """The command line is the oracle: another way through the same code."""
    names = []
    for i, image in enumerate(load_data("sample").test.images[:5]):
        (tmp_path / f"{i}.png").write_bytes(png(image))
        names.append(str(tmp_path / f"{i}.png"))
    said = CliRunner().invoke(cli, ["predict", "--json", *names]).stdout.splitlines()
    for name, line in zip(names, said, strict=True):
        expected = json.loads(line)
        ((_, document),) = ask(answerer, ("image/png", Path(name).read_bytes()))
        (found,) = document["predictions"]
        assert found == {"name": None} | {k: v for k, v in expected.items() if k != "path"}


def garment_photo() -> bytes:
    """A light shirt-like shape on an uneven dark ground."""
    noise = np.random.default_rng(0).integers(0, 40, (300, 240, 3), dtype=np.uint8)
    noise[:, :, 2] += np.linspace(0, 90, 240).astype(np.uint8)
    noise[60:260, 70:170] = (210, 200, 190)
    noise[70:130, 30:210] = (205, 198, 190)
    return png(noise)


def test_an_explanation_shows_every_step(answerer: Answerer) -> None:
    ((status, document),) = ask(answerer, ("image/png", garment_photo()), kind="explain")
    assert status == 200
    names = [step["name"] for step in document["steps"]]
    assert names == ["photograph", "garment found", "cut out", "grey, negated", "seen: 224 x 224"]
    overlay = Image.open(io.BytesIO(base64.b64decode(document["overlay"]["png"])))
    assert (overlay.mode, overlay.size) == ("RGBA", (224, 224))
    assert Image.open(io.BytesIO(base64.b64decode(document["small"]))).size == (28, 28)
    likeness = [one["likeness"] for one in document["neighbours"]]
    assert len(likeness) == 5 and likeness == sorted(likeness, reverse=True)


def test_a_training_image_is_its_own_nearest_neighbour(answerer: Answerer) -> None:
    image = load_data("sample").train.images[123]
    ((_, document),) = ask(answerer, ("image/png", png(image)), kind="explain")
    nearest = document["neighbours"][0]
    assert nearest["likeness"] == pytest.approx(1, abs=1e-5)
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(nearest["png"]))))
    np.testing.assert_array_equal(found, image)


def test_only_one_picture_is_explained_at_a_time(answerer: Answerer) -> None:
    two = form(("a.png", "image/png", b"x"), ("b.png", "image/png", b"x"))
    ((status, document),) = ask(answerer, two, kind="explain")
    assert (status, document["error"]["code"]) == (413, "too_many")


def test_pictures_that_take_too_long_together_are_cut_off() -> None:
    config = ServerConfig(request_timeout_s=0.0)
    answerer = Answerer({"pretrained": load_router(Path("pretrained"))}, config)
    image = png(load_data("sample").test.images[0])
    ((status, document),) = ask(answerer, form(*[("a.png", "image/png", image)] * 3))
    assert (status, document["error"]["code"]) == (413, "too_slow")


class Broken:
    """A model with a fault of its own."""

    name, info = "broken", ModelMetadata()

    def predict(self, images: np.ndarray) -> np.ndarray:
        if (images == 7).all(axis=(1, 2)).any():
            raise RuntimeError("seven")
        return np.eye(10, dtype=np.float32)[[3] * len(images)]


def test_a_fault_of_one_request_is_logged_and_the_others_are_answered() -> None:
    from ankleboot.inference.predict import ModelRouter

    answerer = Answerer({"pretrained": ModelRouter(Broken())}, ServerConfig())
    good, bad = (np.full((28, 28), value, np.uint8) for value in (9, 7))
    requests = [
        Request("predict", "pretrained", "image/png", png(one)) for one in (good, bad, good)
    ]
    replies = answerer.answer(requests)
    assert [reply.status for reply in replies] == [200, 500, 200]
    assert "seven" in replies[1].trace and b"seven" not in replies[1].body


# models


def test_a_model_whose_answers_are_no_probabilities_is_not_served() -> None:
    class Loud(FakePredictor):
        def predict(self, images: np.ndarray) -> np.ndarray:
            return 2 * super().predict(images)

    images = load_data("sample").test.images
    with pytest.raises(ModelError, match="no probabilities"):
        check(Loud(np.full((len(images), 10), 0.1, np.float32)), ServerConfig())


def test_a_model_that_names_nothing_right_is_not_served() -> None:
    class Stuck:
        name, info = "stuck", replace(ModelMetadata(), data="fashion-mnist")

        def predict(self, images: np.ndarray) -> np.ndarray:
            return np.eye(10, dtype=np.float32)[[3] * len(images)]

    with pytest.raises(ModelError, match="names 10% of 100 golden images right"):
        check(Stuck(), ServerConfig())


def test_a_run_is_exported_where_it_was_not(
    calibrated_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def export(command: list[str], **rest: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        Path(command[-1]).write_bytes(b"model")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", export)
    said: list[str] = []
    placed = Placed([str(calibrated_run.folder)], said.append)
    try:
        (path,) = placed.paths.values()
        assert Path(path).read_bytes() == b"model"
        assert (Path(path).parent / "result.json").is_file()
        assert "exporting to LiteRT" in said[0] and len(commands) == 1
    finally:
        placed.remove()
    assert not Path(path).exists()


def test_an_export_that_fits_is_taken(
    calibrated_run: Run, exported: Callable[[str], Path], tmp_path: Path
) -> None:
    import shutil

    run = Path(shutil.copytree(calibrated_run.folder, tmp_path / "mine"))
    (run / "exports").mkdir(exist_ok=True)
    shutil.copy(exported("litert"), run / "exports/model.tflite")
    placed = Placed([str(run), str(run)], lambda words: pytest.fail(words))
    try:
        assert list(placed.paths) == ["mine", "mine-2"]
    finally:
        placed.remove()


def test_what_cannot_be_served_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"x")
    for model, words in [
        (str(tmp_path / "none"), "no such model file or run folder"),
        (str(tmp_path / "model.keras"), "the server runs LiteRT, ONNX and OpenVINO"),
    ]:
        with pytest.raises(ModelError, match=words):
            Placed([model], print)
    with pytest.raises(UsageError, match="twice"):
        Placed(["photo", "photo"], print)


# configuration


def configured(*arguments: str, **environment: str) -> ServerConfig:
    """Return the configuration that `ankleboot serve` runs with."""
    found: list[ServerConfig] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ankleboot.server.lifecycle.serve", lambda config, *_: found.append(config))
        result = CliRunner().invoke(cli, ["serve", *arguments], env=environment)
    assert result.exit_code == 0, result.output
    return found[0]


def test_the_command_runs_with_the_defaults_of_the_configuration() -> None:
    assert configured() == ServerConfig()
    assert configured().workers == (os.cpu_count() or 1)


def test_another_default_in_the_configuration_is_another_default_of_the_command() -> None:
    """Every option, each in turn, in a process that changes the dataclass before the import."""
    code = (
        "from dataclasses import fields\n"
        "from ankleboot.server.config import ServerConfig\n"
        "for field in fields(ServerConfig):\n"
        "    field.default = ('changed', field.name)\n"
        "from ankleboot.cli.serve import serve\n"
        "for option in serve.params:\n"
        "    if option.name not in ('log', 'as_json', 'workers'):\n"
        "        assert option.default == ('changed', option.name), option.name\n"
        "        print(option.name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(done.stdout.split()) == 11


def test_every_option_has_a_variable_of_its_name() -> None:
    variables = {
        "ANKLEBOOT_MODELS": "photo zero-shot",
        "ANKLEBOOT_HOST": "::1",
        "ANKLEBOOT_PORT": "1",
        "ANKLEBOOT_WORKERS": "3",
        "ANKLEBOOT_MAX_BODY": "2000",
        "ANKLEBOOT_QUEUE": "4",
        "ANKLEBOOT_TIMEOUT": "5",
        "ANKLEBOOT_DRAIN_SECONDS": "6",
        "ANKLEBOOT_API_KEY": "key",
        "ANKLEBOOT_ALLOWED_HOSTS": "a b",
        "ANKLEBOOT_RATE_LIMIT": "7",
        "ANKLEBOOT_PAGE": "0",
    }
    expected = ServerConfig(
        models=("photo", "zero-shot"),
        host="::1",
        port=1,
        workers=3,
        max_body_bytes=2000,
        queue_size=4,
        request_timeout_s=5.0,
        drain_s=6.0,
        api_key="key",
        allowed_hosts=("a", "b"),
        rate_limit_per_s=7.0,
        page=False,
    )
    assert configured(**variables) == expected
    assert configured(ANKLEBOOT_API_KEY="").api_key is None


def test_a_worker_gets_every_limit_and_no_key() -> None:
    config = ServerConfig(api_key="s3cret", max_decoded_images=3, request_timeout_s=7.0)
    text = config.to_worker_json()
    assert "s3cret" not in text
    assert ServerConfig.from_worker_json(text) == replace(config, api_key=None)


def test_the_documented_figures_are_those_of_the_configuration() -> None:
    text = (ROOT / "docs/deploy.md").read_text()
    config = ServerConfig()
    mib = 2**20
    for words in (
        f"did not arrive within {config.body_timeout_s:g} seconds",
        f"{MAX_PIXELS // 10**6} megapixels, {config.max_images_per_request} images",
        f"headers of more than {config.max_header_bytes // 1024} KiB",
        f"client_max_body_size {config.max_body_bytes // mib}m;",
    ):
        assert words in text, words
    (patience,) = map(int, re.findall(r"at least (\d+) seconds before it kills", text))
    end = config.drain_s + config.shutdown_grace_s + config.worker_exit_timeout_s
    assert end < patience


def documented_fields() -> list[tuple[str, str]]:
    text = (ROOT / "docs/deploy.md").read_text()
    return re.findall(r"^\| `(\w+_\w+)` \| ([^|]+?) \|", text, re.M)


@pytest.mark.parametrize(("field", "value"), documented_fields())
def test_a_documented_default_is_that_of_the_configuration(field: str, value: str) -> None:
    units = {"s": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
    number, _, unit = value.replace(",", "").partition(" ")
    assert getattr(ServerConfig(), field) == float(number) * units.get(unit, 1)


def test_every_limit_of_the_configuration_is_documented() -> None:
    options = {option.name for option in serve_command.params}
    limits = {field.name for field in fields(ServerConfig)} - options
    assert {field for field, _ in documented_fields()} >= limits


# who may call


@pytest.mark.parametrize(
    ("host", "header", "is_allowed"),
    [
        ("127.0.0.1", "localhost:8000", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "[::1]:8000", True),
        ("127.0.0.1", "evil.example", False),
        ("127.0.0.1", "192.168.1.7", False),
        ("127.0.0.1", "localhost.evil.example", False),
        ("127.0.0.1", "", False),
        ("0.0.0.0", "192.168.1.7:8000", True),
        ("0.0.0.0", "evil.example", False),
        ("0.0.0.0", "Clothes.example:443", True),
        ("::", "[2001:db8::1]:80", True),
    ],
)
def test_names_that_lead_here(host: str, header: str, is_allowed: bool) -> None:
    config = ServerConfig(host=host, allowed_hosts=("clothes.example",))
    assert Hosts(config).allows(header) == is_allowed


def test_a_client_may_ask_so_often_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limit = RateLimit(ServerConfig(rate_limit_per_s=2.0))
    assert [limit.wait("a") for _ in range(4)] == [0, 0, 0, 0]  # a burst of two seconds' worth
    assert limit.wait("a") == pytest.approx(0.5)
    assert limit.wait("b") == 0
    now[0] += 0.5
    assert limit.wait("a") == 0
    assert limit.wait("a") > 0
    unlimited = RateLimit(ServerConfig())
    assert all(unlimited.wait("a") == 0 for _ in range(99))


def test_clients_that_are_long_gone_are_forgotten() -> None:
    limit = RateLimit(ServerConfig(rate_limit_per_s=1.0, max_tracked_clients=3))
    for client in "abcdabcd":
        limit.wait(client)
    assert len(limit._buckets) == 3


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with listen("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EnvironmentFailure, match=f"port {port}: the port is in use"):
            listen("127.0.0.1", port)
    with pytest.raises(EnvironmentFailure, match="cannot listen on no.such.host.invalid"):
        listen("no.such.host.invalid", 0)


# the command


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """The server in a process of its own: what it says of itself, and the process."""
    import os

    command = [sys.executable, "-m", "ankleboot", "serve", "--port", "0", "--json", *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    try:
        assert process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            text += line
        yield json.loads(text), process
    finally:
        process.kill()
        process.communicate()


def fetch(url: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, named)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("--log", "off") as (said, _):
        yield said["url"]


def test_a_picture_is_posted_and_named(url: str) -> None:
    image = load_data("sample").test.images[0]
    status, headers, body = fetch(f"{url}/v1/predict", png(image), Content_Type="image/png")
    assert status == 200 and headers["content-type"] == "application/json"
    (found,) = json.loads(body)["predictions"]
    expected = load_router(Path("pretrained")).usual.predict(image[None])[0]
    assert found["probs"] == dict(zip(CLASS_NAMES, map(float, expected), strict=True))


def test_models_are_described_with_their_figures(url: str) -> None:
    status, _, body = fetch(f"{url}/v1/model")
    document = json.loads(body)
    assert status == 200 and document["default"] == "pretrained"
    assert [one["name"] for one in document["models"]] == ["pretrained", "zero-shot"]
    shipped = document["models"][0]
    stored = json.loads((catalog.FOLDER / "evaluation-test.json").read_text())
    assert shipped["metrics"]["test"]["accuracy"] == stored["accuracy"]
    assert shipped["classes"] == list(CLASS_NAMES) and shipped["card"].startswith("#")
    assert shipped["photo"]["declined"] == ["hat", "shorts", "skirt"]


def test_the_described_number_of_pixels_is_that_of_the_decoder(url: str) -> None:
    most = json.loads(fetch(f"{url}/v1/model")[2])["limits"]["pixels"]
    image = png(np.zeros((most // 5_000 + 1, 5_000), np.uint8))
    status, _, body = fetch(f"{url}/v1/predict", image, Content_Type="image/png")
    assert status == 413 and f"allowed are {most:,} in all" in body.decode()


def test_another_model_is_asked_by_its_name(url: str) -> None:
    image = png(load_data("sample").test.images[3])
    answers = {
        model: json.loads(
            fetch(f"{url}/v1/predict?model={model}", image, Content_Type="image/png")[2]
        )
        for model in ("pretrained", "zero-shot")
    }
    assert all(answer["model"] == model for model, answer in answers.items())
    first, second = (answer["predictions"][0]["probs"] for answer in answers.values())
    assert first != second


def test_the_page_and_its_files_are_served_with_their_types(url: str) -> None:
    status, headers, body = fetch(f"{url}/")
    assert status == 200 and headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in headers["content-security-policy"] and b"<script" in body
    status, headers, _ = fetch(f"{url}/", If_None_Match=headers["etag"])
    assert status == 304
    status, headers, body = fetch(f"{url}/samples.png")
    assert Image.open(io.BytesIO(body)).size == (20 * 28, 28)
    assert headers["content-type"] == "image/png"


def test_health_readiness_and_figures(url: str) -> None:
    assert fetch(f"{url}/healthz")[0] == 200
    assert json.loads(fetch(f"{url}/readyz")[2])["status"] == "ready"
    fetch(f"{url}/../../etc/passwd")
    text = fetch(f"{url}/metrics")[2].decode()
    assert (
        'ankleboot_requests_total{route="/v1/model"' in text or "ankleboot_requests_total" in text
    )
    assert "passwd" not in text and "ankleboot_workers_ready" in text


def test_the_documented_example_works(url: str) -> None:
    document = json.loads(fetch(f"{url}/openapi.json")[2])
    content = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    example = json.dumps(content["application/json"]["example"]).encode()
    status, _, body = fetch(f"{url}/v1/predict", example, Content_Type="application/json")
    assert status == 200 and json.loads(body)["predictions"][0]["label"] == "Ankle boot"


def test_every_answer_has_an_id_and_the_clients_own_is_kept(url: str) -> None:
    assert fetch(f"{url}/healthz", X_Request_ID="mine-7")[1]["x-request-id"] == "mine-7"
    other = fetch(f"{url}/healthz", X_Request_ID="a b<script>")[1]["x-request-id"]
    assert other.isalnum()


def test_the_key_opens_what_is_locked() -> None:
    with serving("--log", "off", "--no-page", ANKLEBOOT_API_KEY="open sesame") as (said, _):
        url = said["url"]
        for path in ("/v1/model", "/metrics", "/v1/predict"):
            status, headers, body = fetch(url + path, None if path != "/v1/predict" else b"")
            assert (status, headers["www-authenticate"]) == (401, "Bearer"), path
            assert json.loads(body)["error"]["code"] == "unauthorized"
        assert fetch(f"{url}/v1/model", Authorization="Bearer open")[0] == 401
        assert fetch(f"{url}/v1/model", Authorization="Bearer open sesame")[0] == 200
        assert fetch(f"{url}/healthz")[0] == 200
        assert fetch(f"{url}/")[0] == 404  # no page was asked for


def test_too_frequent_clients_are_told_when_to_come_back() -> None:
    with serving("--log", "off", "--rate-limit", "1", "--workers", "1") as (said, _):
        found = [fetch(f"{said['url']}/v1/model") for _ in range(4)]
        assert [status for status, _, _ in found] == [200, 200, 429, 429]
        assert found[-1][1]["retry-after"] == "1"


def test_the_journal_has_a_line_for_a_request_and_no_content() -> None:
    with serving("--log", "json", "--workers", "1") as (said, process):
        kind, body = form(("secret-name.png", "image/png", png(load_data("sample").test.images[0])))
        fetch(f"{said['url']}/v1/predict?model=pretrained", body, Content_Type=kind)
        process.send_signal(signal.SIGTERM)
        _, words = process.communicate(timeout=15)
        assert process.returncode == 0
    lines = [json.loads(line) for line in words.splitlines()]
    (request,) = [line for line in lines if line["event"] == "request"]
    assert request["status"] == 200 and request["route"] == "/v1/predict"
    assert request["bytes_in"] == len(body) and "secret-name" not in words
    assert [lines[0]["event"], lines[-1]["event"]] == ["worker_ready", "stopped"]


def test_a_request_rejected_by_its_connection_is_logged_and_counted() -> None:
    with served(config=config(queue_size=0)) as server:
        image = png(load_data("sample").test.images[0])
        server.get("/v1/model")
        rejected = server.post(image, x_request_id="mine")
        malformed = server.raw(b"nonsense\r\n\r\n")
        usual = server.awaits("request", 1)
        line = server.awaits("request", 2)
        other = server.awaits("request", 3)
        assert (rejected.status, rejected.code) == (503, "overloaded")
        assert line.keys() == other.keys() == usual.keys()
        assert {key: line[key] for key in ("request", "method", "route", "status", "client")} == {
            "request": "mine",
            "method": "POST",
            "route": "/v1/predict",
            "status": 503,
            "client": "127.0.0.1",
        }
        assert other["status"] == 400 and other["request"].encode() in malformed
        for route, status in (("/v1/predict", 503), ("none", 400)):
            name = f'ankleboot_requests_total{{route="{route}",status="{status}"}}'
            assert server.metric(name) == 1
        assert [one for one in server.events() if one.get("request") == "mine"] == [line]


@pytest.mark.parametrize("form", ["json", "text", "off"])
def test_the_log_has_its_lines_in_order_and_in_its_form(
    form: Form, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter((1.5, 1.999, 2.25))
    monkeypatch.setattr(time, "time", lambda: next(times))
    request: dict[str, Any] = {
        "method": "GET",
        "route": "/",
        "seconds": 0.00123,
        "bytes_in": 5,
        "client": 'a"b',
    }

    async def log() -> None:
        journal = Journal(form)
        journal.request(request_id="x", status=200, **request)
        journal.request(request_id="y", status=None, **request)
        journal("stopped", code=3)

    asyncio.run(log())
    lines = capsys.readouterr().err.splitlines()
    if form == "json":
        rest = {"method": "GET", "route": "/", "ms": 1.23, "bytes_in": 5, "client": 'a"b'}
        start = {"event": "request"} | rest
        assert [json.loads(line) for line in lines] == [
            {"time": "1970-01-01T00:00:01.500Z", "request": "x", "status": 200} | start,
            {"time": "1970-01-01T00:00:01.999Z", "request": "y", "status": None} | start,
            {"time": "1970-01-01T00:00:02.250Z", "event": "stopped", "code": 3},
        ]
    elif form == "text":
        rest_ = 'ms=1.23 bytes_in=5 client=a"b'
        assert lines == [
            f"00:00:01 request request=x method=GET route=/ status=200 {rest_}",
            f"00:00:01 request request=y method=GET route=/ status=None {rest_}",
            "00:00:02 stopped code=3",
        ]
    else:
        assert lines == []


def test_the_line_of_a_request_does_not_wait_for_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def log() -> None:
        Journal("text").request(
            request_id="x", method="", route="", status=1, seconds=0.0, bytes_in=0, client=""
        )
        await asyncio.sleep(5 * FLUSH_AFTER_S)

    asyncio.run(log())
    assert "request=x" in capsys.readouterr().err


def test_ctrl_c_is_an_interruption() -> None:
    with serving("--log", "off", "--workers", "1") as (_, process):
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=15)
        assert process.returncode == 130


def test_a_damaged_model_ends_the_command_with_one_line(tmp_path: Path) -> None:
    content = bytearray((catalog.FOLDER / "model.tflite").read_bytes())
    content[5000] ^= 1
    (tmp_path / "m.tflite").write_bytes(content)
    command = [sys.executable, "-m", "ankleboot", "serve", "--port", "0", "--log", "off"]
    done = subprocess.run(
        [*command, "--model", str(tmp_path / "m.tflite")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ") and "sha256" in line


def test_settings_come_from_variables_too() -> None:
    variables = {"ANKLEBOOT_MODELS": "photo zero-shot", "ANKLEBOOT_WORKERS": "1"}
    with serving("--log", "off", **variables) as (said, _):
        assert (said["models"], said["workers"]) == (["photo", "zero-shot"], 1)


def test_no_tensorflow_is_in_any_of_the_processes() -> None:
    code = (
        "import sys, ankleboot.server.lifecycle, ankleboot.server.routes\n"
        "print(*(m for m in ('numpy', 'PIL', 'tensorflow', 'keras') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []  # those who speak HTTP know no pictures either
    code = "import sys, ankleboot.server.workers.worker\nprint('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
