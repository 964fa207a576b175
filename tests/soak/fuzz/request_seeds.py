"""Small valid inputs of the readers of the server."""

import base64
import json

from PIL import Image

from ankleboot.server.config import ServerConfig
from soak.fuzz.seeds import PIXELS, encoded


def forms() -> list[bytes]:
    image = encoded(Image.fromarray(PIXELS), "PNG")
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
    typed = part + b"Content-Type: image/png\r\n\r\n" + image + b"\r\n"
    plain = part + b"\r\n" + image + b"\r\n"
    return [typed + b"--b--\r\n", typed + plain + b"--b--\r\n", b"x\r\n" + plain + b"--b--\r\n"]


def tensor_documents() -> list[bytes]:
    """Return requests of the open inference protocol, of pixels and of a file."""
    image = base64.b64encode(encoded(Image.fromarray(PIXELS), "PNG")).decode()
    tensors = (
        {"shape": [1, 28, 28], "datatype": "UINT8", "data": [0] * 784},
        {"shape": [1, 28, 28, 1], "datatype": "FP32", "data": [0.5] * 784},
        {"shape": [1], "datatype": "BYTES", "data": [image]},
    )
    documents = ({"id": "a", "inputs": [{"name": "images"} | tensor]} for tensor in tensors)
    return [json.dumps(document).encode() for document in documents]


def hosts() -> list[bytes]:
    local = (b"localhost", b"localhost:8000", b"127.0.0.1:80", b"[::1]:8000")
    return [*local, b"example.org", b"[::1].evil.com"]


def server_configs() -> list[bytes]:
    return [ServerConfig(workers=1).to_worker_json().encode()]


def json_bodies() -> list[bytes]:
    return [
        b'{"images": ["aGVsbG8=", "QUJD"]}',
        b'{"images": []}',
        b'{"images": ["data:image/png,"]}',
    ]


def types() -> list[bytes]:
    return [b"multipart/form-data; boundary=b", b'image/png; q="a\\"b"', b"application/json"]
