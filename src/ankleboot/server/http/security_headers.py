"""Security headers and request id of every response."""

import re
import secrets
from collections.abc import Iterable

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy: the page loads from this server alone, and runs no inline script."""

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", CSP.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(), microphone=()"),
)

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the client's X-Request-ID if it is well-formed, else a new random one."""
    value = next((value for name, value in headers if name == b"x-request-id"), b"")
    return value if _REQUEST_ID.fullmatch(value) else secrets.token_hex(8).encode()
