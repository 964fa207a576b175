"""Static files of the page, held in memory: no text from a client becomes a path."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from ankleboot.web.render import SHARED, WEB

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True)
class StaticFile:
    """File that the server sends as it is."""

    content: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:16]}"'


def load_static_files(page: str = "server_page") -> dict[str, StaticFile]:
    """Return the files of a page of `ankleboot.web` by URL path; "/" is index.html."""
    files = {
        f"/{path.name}": StaticFile(path.read_bytes(), MEDIA_TYPES[path.suffix])
        for folder in (SHARED, WEB / page)
        for path in sorted(folder.iterdir())
    }
    files["/"] = files.pop("/index.html")
    return files
