"""Adversarial tests of image formats: wrong types, decompression bombs, other decoders."""

import io
import struct
import time
import zlib
from collections import Counter

import pytest
from PIL import Image

from ankleboot.server.config import MIB
from helpers.adversarial import FORM, PNG, encode, file_headers, form_body, memory_growth
from helpers.server import Response, Server, cpu_seconds


@pytest.mark.parametrize(
    "type", ["", "text/plain", "image/svg+xml", "image/tiff", "application/octet-stream", "image/*"]
)
def test_an_unsupported_type_gets_415(server: Server, type: str) -> None:
    response = server.post(PNG, type)
    assert (response.status, response.code) == (415, "unsupported_type")


@pytest.mark.parametrize("type", ["image/png", "image/jpeg", "image/webp", "image/gif"])
def test_bytes_that_do_not_match_their_type_get_422(server: Server, type: str) -> None:
    for body in (b"GET / HTTP/1.1", PNG[: len(PNG) // 2], PNG[8:], bytes(1000)):
        response = server.post(body, type)
        assert (response.status, response.code) == (422, "not_a_picture")
    assert server.post(b"", type).code == "no_picture"


def test_a_content_type_that_is_slow_to_parse_is_not_parsed(server: Server) -> None:
    """The HTTP process parses it, and every request waits for that process."""
    evil = 'multipart/form-data; x="' + ";" * 31_000
    before = cpu_seconds(server.pid)
    for _ in range(20):
        assert server.post(b"", evil).status == 415
    assert cpu_seconds(server.pid) - before < 0.2


def black_png(width: int, height: int, *more: tuple[bytes, bytes]) -> bytes:
    """Return a black image, compressed as much as possible."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + width)) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), *more, (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*arguments) for arguments in chunks)


@pytest.mark.parametrize("size", [(13_000, 13_000), (70_000, 1), (1, 70_000), (5_001, 5_000)])
def test_a_decompression_bomb_is_rejected_by_its_header(
    server: Server, size: tuple[int, int]
) -> None:
    body = black_png(*size)
    workers = server.worker_pids()
    codes = []
    assert memory_growth(lambda: codes.append(server.post(body).code), *workers) < 20
    assert codes == ["too_large"] and len(body) < 300_000


def test_a_jpeg_with_thousands_of_scans_is_rejected(server: Server) -> None:
    """Each scan of ten bytes passes over all pixels again."""
    plain = encode(Image.new("L", (4_000, 4_000), 128), "JPEG", progressive=True)
    scan = plain[plain.rindex(b"\xff\xda") : -2]
    bomb = plain[:-2] + scan * 20_000 + b"\xff\xd9"
    before = cpu_seconds(*server.worker_pids())
    assert server.post(plain, "image/jpeg").status == 200
    assert server.post(bomb, "image/jpeg").code == "not_a_picture"
    assert cpu_seconds(*server.worker_pids()) - before < 0.5


def test_a_bomb_in_a_png_comment_is_not_decompressed(server: Server) -> None:
    comment = b"Comment\0\0" + zlib.compress(bytes(100 * MIB), 9)
    workers = server.worker_pids()
    assert memory_growth(lambda: server.post(black_png(28, 28, (b"zTXt", comment))), *workers) < 20


UNSUPPORTED_FILES = {
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
    "PDF": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "FITS": b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800),
    "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 9, 9, 8, 3) + bytes(100),
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "XBM": b"#define x_width 9\n#define x_height 9\nstatic char x_bits[] = {0};",
    "TIFF": encode(Image.new("L", (9, 9)), "TIFF"),
    "ICO": encode(Image.new("L", (16, 16)), "ICO"),
    "PPM": encode(Image.new("L", (9, 9)), "PPM"),
    "JPEG2000": encode(Image.new("L", (9, 9)), "JPEG2000"),
    "TGA": encode(Image.new("L", (9, 9)), "TGA"),
    "PCX": encode(Image.new("L", (9, 9)), "PCX"),
    "DDS": encode(Image.new("RGB", (9, 9)), "DDS"),
    "SGI": encode(Image.new("L", (9, 9)), "SGI"),
    "WMF": b"\xd7\xcd\xc6\x9a" + bytes(40),
    "GZIP": zlib.compress(bytes(MIB)),
}


@pytest.mark.parametrize("format", UNSUPPORTED_FILES)
def test_other_decoders_of_pillow_never_run(server: Server, format: str) -> None:
    for type in ("image/png", "image/bmp"):
        response = server.post(UNSUPPORTED_FILES[format], type)
        assert (response.status, response.code) == (422, "not_a_picture")


def test_the_first_frame_of_an_animation_is_predicted(server: Server) -> None:
    boot = Image.open(io.BytesIO(PNG))
    others = [Image.new("L", boot.size, shade) for shade in range(200)]
    moving = encode(boot, "GIF", save_all=True, append_images=others)
    response = server.post(moving, "image/gif")
    assert response.json["predictions"][0]["label"] == "Ankle boot"


@pytest.mark.slow
def test_many_large_images_in_one_request_stay_within_memory_and_time(server: Server) -> None:
    """The worker predicts as many of 64 images of 25 megapixels as the time allows."""
    body = form_body(*[(file_headers(), black_png(5_000, 5_000))] * 64)
    start = time.monotonic()
    responses: list[Response] = []
    more = memory_growth(lambda: responses.append(server.post(body, FORM)), *server.worker_pids())
    (response,) = responses
    codes = Counter(entry.get("error", {}).get("code") for entry in response.json["predictions"])
    assert response.status == 200 and set(codes) <= {None, "too_slow"} and codes[None] > 4
    assert more < 400 and time.monotonic() - start < 9
