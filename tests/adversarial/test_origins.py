"""Adversarial tests of access: URLs, origins, host names, API key."""

import pytest

from ankleboot.server.config import MIB
from helpers.adversarial import (
    FORM,
    JSON,
    PNG,
    MisbehavingServers,
    file_headers,
    form_body,
    json_body,
)
from helpers.server import Server, running_server, statuses

URLS = ["http://127.0.0.1:1/x.png", "https://example.org/x.png", "file:///etc/passwd"]
URLS += ["gopher://127.0.0.1:1/x", "http://169.254.169.254/latest", "http://[::1]/", "//x.y"]


LOG_CONNECTIONS = """
import os, sys
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"):
        if event != "socket.getaddrinfo" or args[0] != "127.0.0.1":  # the server listens there
            os.write(2, f"CONNECTS {event} {args}\\n".encode())
sys.addaudithook(hook)
"""


def test_urls_in_a_request_are_never_fetched(misbehaving_server: MisbehavingServers) -> None:
    with misbehaving_server(LOG_CONNECTIONS, server_code=LOG_CONNECTIONS) as server:
        for address in URLS:
            assert server.post(json_body(address), JSON).code == "bad_base64"
            part = form_body(('Content-Disposition: form-data; name="url"', address.encode()))
            assert server.post(part, FORM).code == "no_file"
            assert server.post(form_body((file_headers(address), b"x")), FORM).status == 422
            assert server.post(PNG, path=f"/v1/predict?model={address}").status == 422
            assert server.post(PNG, path=f"/v1/predict?url={address}").status == 200
            assert server.post(address.encode()).status == 422
        server.post(PNG, path="/v1/explain")
        server.stop()
        assert "CONNECTS" not in server.log_text()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9"])
def test_other_origins_get_no_cors_permission(server: Server, origin: str) -> None:
    responses = [server.post(PNG, origin=origin), server.get("/v1/model", origin=origin)]
    asks = {"origin": origin, "access_control_request_method": "POST"}
    responses.append(server.request("OPTIONS", "/v1/predict", None, **asks))
    assert not any(
        name.startswith("access-control") for response in responses for name in response.headers
    )
    assert responses[-1].status == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "", "[::2]"]
)
def test_unknown_host_names_are_rejected(server: Server, host: str) -> None:
    for path in ("/", "/healthz", "/v1/model", "/metrics"):
        response = server.get(path, host=host)
        assert (response.status, response.code) == (400, "unknown_host")
    assert server.post(PNG, host=host).code == "unknown_host"


def test_a_request_must_have_exactly_one_host_header(server: Server) -> None:
    line = b"GET /healthz HTTP/1.1\r\nconnection: close\r\n"
    for hosts in (b"", b"host: evil\r\nhost: localhost\r\n", b"host: localhost\r\nhost: evil\r\n"):
        assert statuses(server.send_raw(line + hosts + b"\r\n")) == [400]
    evil = b"GET http://evil.example/healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n"
    assert statuses(server.send_raw(evil, timeout=1)) == [400]
    assert server.get("/healthz", host="LOCALHOST:1234").status == 200


def test_the_api_key_protects_the_api_and_metrics() -> None:
    with running_server("--workers", "1", "--log", "json", ANKLEBOOT_API_KEY="s3cret") as server:
        for path in ("/v1/model", "/metrics"):
            assert server.get(path).code == "unauthorized"
            assert server.get(path, authorization="Bearer s3cret").status == 200
        for wrong in ("Bearer s3cre", "Bearer", "Basic s3cret", "Bearer s3cret x", "Bearer \xe9"):
            assert server.post(PNG, authorization=wrong).status == 401
        long = server.post(
            b"x" * 5 * MIB
        )  # the client gets the response although it sends everything
        assert long.headers["www-authenticate"] == "Bearer"
        assert server.post(PNG, authorization="bearer  s3cret").status == 200
        assert server.get("/healthz").status == 200 and server.get("/readyz").status == 200
        assert "s3cret" not in server.log_text()
