import asyncio
import json
import time
from typing import Any

import pytest

from ankleboot.data.load import load_data
from ankleboot.server.http.access_log import FLUSH_AFTER_S, AccessLog, LogFormat
from helpers.forms import form, png
from helpers.hostile import check_text
from helpers.server import config, running_server


@pytest.mark.parametrize("format", ["json", "text", "off"])
def test_lines_are_in_order_and_in_the_format(
    format: LogFormat, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
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

    async def log_three_lines() -> None:
        log = AccessLog(format)
        log.request(request_id="x", status=200, **request)
        log.request(request_id="y", status=None, **request)
        log("stopped", code=3)

    asyncio.run(log_three_lines())
    lines = capsys.readouterr().err.splitlines()
    if format == "json":
        common = {"event": "request", "method": "GET", "route": "/", "ms": 1.23, "bytes_in": 5}
        common |= {"client": 'a"b'}
        assert [json.loads(line) for line in lines] == [
            {"time": "1970-01-01T00:00:01.500Z", "request": "x", "status": 200} | common,
            {"time": "1970-01-01T00:00:01.999Z", "request": "y", "status": None} | common,
            {"time": "1970-01-01T00:00:02.250Z", "event": "stopped", "code": 3},
        ]
    elif format == "text":
        rest = 'ms=1.23 bytes_in=5 client=a"b'
        assert lines == [
            f"00:00:01 request request=x method=GET route=/ status=200 {rest}",
            f"00:00:01 request request=y method=GET route=/ status=None {rest}",
            "00:00:02 stopped code=3",
        ]
    else:
        assert lines == []


def test_a_single_request_is_logged_soon(capsys: pytest.CaptureFixture[str]) -> None:
    async def log_one_line() -> None:
        AccessLog("text").request(
            request_id="x", method="", route="", status=1, seconds=0.0, bytes_in=0, client=""
        )
        await asyncio.sleep(5 * FLUSH_AFTER_S)

    asyncio.run(log_one_line())
    assert "request=x" in capsys.readouterr().err


def test_a_request_has_a_line_without_its_content() -> None:
    with running_server("--log", "json", "--workers", "1") as server:
        image = png(load_data("sample").test.images[0])
        content_type, body = form(("secret-name.png", "image/png", image))
        server.post(body, content_type, "/v1/predict?model=pretrained")
        server.stop()
        lines = server.events()
        (request,) = [line for line in lines if line["event"] == "request"]
        assert request["status"] == 200 and request["route"] == "/v1/predict"
        assert request["bytes_in"] == len(body) and "secret-name" not in server.log_text()
        assert [lines[0]["event"], lines[-1]["event"]] == ["worker_ready", "stopped"]


def test_a_request_rejected_by_its_connection_is_logged_and_counted() -> None:
    with running_server(config=config(queue_size=0)) as server:
        image = png(load_data("sample").test.images[0])
        server.get("/v1/model")
        rejected = server.post(image, x_request_id="mine")
        malformed = server.send_raw(b"nonsense\r\n\r\n")
        usual = server.wait_for_event("request", 1)
        line = server.wait_for_event("request", 2)
        other = server.wait_for_event("request", 3)
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
            name = f'ankleboot_requests_total{{model="",route="{route}",status="{status}"}}'
            assert server.metric(name) == 1
        assert [event for event in server.events() if event.get("request") == "mine"] == [line]


@pytest.mark.parametrize("format", ["json", "text"])
def test_fields_from_outside_stay_on_their_line(
    format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\x1b]0;x\x07\x7f\u202e\nstarted fake=1"
    trace = f"Traceback:\n  ValueError: {hostile}"
    AccessLog(format)("fault", request=hostile, trace=trace)
    text = capsys.readouterr().err
    check_text(text)
    lines = text.splitlines()
    if format == "json":
        (line,) = lines
        assert json.loads(line)["request"] == hostile and json.loads(line)["trace"] == trace
    else:
        assert " fault request=" in lines[0] and all(line[:4] == "    " for line in lines[1:])
