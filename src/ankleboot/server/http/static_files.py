"""Static files of the page, held in memory: no text from a client becomes a path."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property

from starlette.requests import Request
from starlette.responses import Response

from ankleboot.web.render import SHARED, WEB

COMPRESSIBLE = ("text/", "image/svg")
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True)
class StaticFile:
    """File that the server sends as it is."""

    content: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        return f'W/"{hashlib.sha256(self.content).hexdigest()[:16]}"'

    @cached_property
    def gzipped(self) -> bytes:
        return gzip.compress(self.content, mtime=0)

    def respond(self, request: Request) -> Response:
        """Return the file, compressed if the client and its type allow it, or 304."""
        # browsers revalidate each time
        headers = {"etag": self.etag, "cache-control": "no-cache", "vary": "accept-encoding"}
        if request.headers.get("if-none-match") == self.etag:
            return Response(None, 304, headers)
        content = self.content
        accepted = request.headers.get("accept-encoding", "")
        if "gzip" in accepted and self.media_type.startswith(COMPRESSIBLE):
            content, headers["content-encoding"] = self.gzipped, "gzip"
        return Response(content, 200, headers, media_type=self.media_type)


def load_static_files(page: str = "server_page") -> dict[str, StaticFile]:
    """Return the files of a page of `ankleboot.web` by URL path; "/" is index.html."""
    files = {
        f"/{path.name}": StaticFile(path.read_bytes(), MEDIA_TYPES[path.suffix])
        for folder in (SHARED, WEB / page)
        for path in sorted(folder.iterdir())
    }
    files["/"] = files.pop("/index.html")
    return files
