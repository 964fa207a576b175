"""Image files and forms for tests of the server."""

import io

import numpy as np
from PIL import Image


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def form(*files: tuple[str, str, bytes]) -> tuple[str, bytes]:
    """Return the content type and body of a form with files: name, type, content."""
    lines = [
        b"--limit\r\nContent-Disposition: form-data; name=images; "
        + f'filename="{name}"\r\nContent-Type: {type}\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, type, content in files
    ]
    return "multipart/form-data; boundary=limit", b"".join([*lines, b"--limit--\r\n"])
