"""The page's files, held in memory: nothing that a client writes becomes a path."""

import hashlib
from dataclasses import dataclass

from ankleboot.web.render import SHARED, WEB

FOLDERS = (SHARED, WEB / "server_page")
"""What all our pages share, and this one's own."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True)
class PageFile:
    """One of them."""

    content: bytes
    media_type: str
    etag: str


def page_files() -> dict[str, PageFile]:
    """All of them by their path; "/" is index.html."""
    found = {
        f"/{file.name}": page_file(file.read_bytes(), TYPES[file.suffix])
        for folder in FOLDERS
        for file in sorted(folder.iterdir())
    }
    found["/"] = found.pop("/index.html")
    return found


def page_file(content: bytes, media_type: str) -> PageFile:
    """A file with its tag."""
    return PageFile(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:16]}"')
