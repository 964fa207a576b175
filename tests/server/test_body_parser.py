import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.server.body_parser import UploadedImage, parse_images
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError
from helpers.forms import form

MAX_IMAGES = ServerConfig.max_images_per_request


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=6))
def test_all_kinds_of_body_hold_the_same_images(contents: list[bytes]) -> None:
    contents = [content.replace(b"--limit", b"") or b"x" for content in contents]
    encoded = [base64.b64encode(content).decode() for content in contents]
    document = json.dumps({"images": encoded}).encode()
    from_json = parse_images("application/json", document, MAX_IMAGES)
    assert from_json == [UploadedImage(None, content) for content in contents]
    files = [(f"{i}.png", "image/png", content) for i, content in enumerate(contents)]
    from_form = parse_images(*form(*files), MAX_IMAGES)
    assert from_form == [UploadedImage(name, content) for name, _, content in files]
    alone = parse_images("image/png", contents[0], MAX_IMAGES)
    assert alone == [UploadedImage(None, contents[0])]


@given(st.sampled_from(["application/json", "multipart/form-data; boundary=x"]), st.binary())
def test_any_body_gives_images_or_an_api_error(content_type: str, body: bytes) -> None:
    try:
        images = parse_images(content_type, body, MAX_IMAGES)
    except ApiError as error:
        assert error.status in (400, 413, 422)
    else:
        assert images


@pytest.mark.parametrize(
    ("content_type", "body", "status", "code"),
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
def test_a_malformed_body_has_its_status_and_code(
    content_type: str, body: bytes, status: int, code: str
) -> None:
    with pytest.raises(ApiError) as caught:
        parse_images(content_type, body, MAX_IMAGES)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_too_many_images_are_rejected() -> None:
    bodies = [
        ("application/json", json.dumps({"images": ["eA=="] * 4}).encode()),
        form(*[("a.png", "image/png", b"x")] * 4),
    ]
    for content_type, body in bodies:
        assert len(parse_images(content_type, body, 4)) == 4
        with pytest.raises(ApiError, match="More than 3 images"):
            parse_images(content_type, body, 3)


def test_a_file_of_another_type_becomes_an_error_at_its_index() -> None:
    body = form(("a.svg", "image/svg+xml", b"<svg/>"), ("b.png", "image/png", b"x"))
    first, second = parse_images(*body, MAX_IMAGES)
    assert isinstance(first, ApiError) and first.status == 415
    assert second == UploadedImage("b.png", b"x")


def test_file_names_are_escaped_and_shortened() -> None:
    body = form(("../\u202egnp.exe" + "x" * 999, "image/png", b"x"))
    (image,) = parse_images(*body, MAX_IMAGES)
    assert isinstance(image, UploadedImage) and image.name is not None
    assert image.name.startswith("../\\u202egnp") and len(image.name) == 255
