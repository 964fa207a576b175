"""Adversarial tests of paths, file names, response headers and log content."""

from pathlib import Path

import pytest

from helpers.adversarial import FORM, JSON, PNG, file_headers, form_body, json_body
from helpers.server import Response, Server, request_head, statuses, wait_until


@pytest.mark.parametrize(
    "path",
    ["/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd"]
    + [
        "/..\\..\\etc\\passwd",
        "//etc/passwd",
        "/%00",
        "/app.js%00.png",
        "/style.css/../../routes.py",
    ]
    + ["/static/../routes.py", "/static_files.py", "/.git/config", "/file:///etc/passwd", "/%ff%fe"]
    + ["/v1/../../etc/passwd", "/C:\\windows\\win.ini", "/~root", "/" + "../" * 1_000],
)
def test_no_path_reaches_a_file_outside_the_page(server: Server, path: str) -> None:
    data = server.send_raw(request_head("GET", path, connection="close"))
    assert statuses(data)[0] in (400, 404) and b"root:" not in data


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..\\\\..\\\\x", "a\x00b", "%2e%2e%2fx", "x" * 3000]
)
def test_a_file_name_is_shown_and_never_used_as_a_path(
    server: Server, name: str, tmp_path: Path
) -> None:
    response = server.post(form_body((file_headers(name), PNG)), FORM)
    (prediction,) = response.json["predictions"]
    assert response.status == 200 and prediction["label"] == "Ankle boot"
    assert len(prediction["name"]) <= 255 and prediction["name"].isprintable()


def test_the_model_parameter_is_never_used_as_a_path(server: Server) -> None:
    for model in ("../pretrained", "/etc/passwd", "pretrained%00", "", "file:///etc/passwd"):
        response = server.post(PNG, path=f"/v1/predict?model={model}")
        assert (response.status, response.code) == (422, "bad_request")
    assert server.post(PNG, path="/v1/predict?model=pretrained&model=zero-shot").status in (
        200,
        422,
    )


SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


def test_every_response_has_the_security_headers(
    server: Server, short_timeouts_server: Server
) -> None:
    data = server.send_raw(b"nonsense\r\n\r\n")
    lines = data.decode().split("\r\n")[1:-2]
    nonsense = Response(400, dict(line.split(": ", 1) for line in lines), b"{}")
    responses = [server.get(path) for path in ("/", "/v1/model", "/healthz", "/metrics", "/none")]
    responses += [server.post(PNG), server.post(b""), server.post(PNG, "x/y"), nonsense]
    responses += [server.get("/", host="evil.example"), server.request("PUT", "/v1/predict")]
    for response in responses:
        assert response.headers.items() >= SECURITY_HEADERS.items()
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["x-request-id"] and "server" not in response.headers


def test_text_from_a_client_is_never_sent_as_html(server: Server) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    for body in (PNG, b"<script>alert(1)</script>"):
        response = server.post(form_body((file_headers(name), body), (file_headers(), PNG)), FORM)
        assert response.headers["content-type"] == JSON
        assert response.json["predictions"][0]["name"] == name
    for path in ("/<script>alert(1)</script>", "/v1/predict?model=<script>"):
        response = server.post(PNG, path=path)
        assert response.headers["content-type"] == JSON and response.status in (404, 422)
    html = server.post(b"<html><script>", "text/html")
    assert (html.status, html.headers["content-type"]) == (415, JSON)


def test_clients_cannot_inject_response_headers(server: Server) -> None:
    response = server.post(PNG, x_request_id="a b<script>")
    assert "<" not in response.headers["x-request-id"]
    data = server.send_raw(
        request_head("GET", "/healthz?a=%0d%0aX-Evil:%20yes", connection="close")
    )
    assert b"x-evil" not in data.lower()


def test_no_content_of_a_request_is_logged(server: Server) -> None:
    before = len(server.log_text())
    secret = "Sup3rSecret"
    server.get(f"/{secret}?{secret}={secret}", user_agent=secret, cookie=secret)
    server.post(form_body((file_headers(f"{secret}.png"), PNG)), FORM)
    server.post(json_body(secret), JSON)
    server.post(PNG, f"image/{secret}")
    server.send_raw(f"{secret}\r\n\r\n".encode())
    wait_until(lambda: server.log_text()[before:].count("\n") >= 5)
    assert secret not in server.log_text()[before:]
