"""Join a page's HTML, styles, modules and data into one HTML file.

A browser loads neither modules nor data of a page that was opened from the disk: every `file:`
address is an origin of its own. Such a page must therefore hold everything itself. Its content
security policy names the hashes of its script and its styles, and allows no connection at all.
"""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from ankleboot.web.render import SHARED

ENTRY = "app.js"
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?function|const) (\w+)", re.MULTILINE)
STYLE_LINK = re.compile(r'<link rel="stylesheet" href="([\w.]+)">\n')
POLICY = "script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self';"


def single_file(page: Path, data: dict[str, Any]) -> str:
    """Return a page as one file.

    Args:
        page: Folder of the page; its files and the shared ones refer to each other by name.
        data: Documents for the elements `<script type="application/json" id="...">`, by id.
    """
    files = {path.name: path for folder in (SHARED, page) for path in folder.iterdir()}
    html = files["index.html"].read_text()
    css = "".join(files[name].read_text() for name in STYLE_LINK.findall(html))
    script = bundle(files)
    first, *others = STYLE_LINK.finditer(html)
    for link in others:
        html = _replace(html, link[0], "")
    html = _replace(html, first[0], f"<style>{css}</style>\n")
    html = _replace(html, f'<script type="module" src="{ENTRY}"></script>\n', "")
    html = _replace(html, "</body>", f'<script type="module">{script}</script>\n</body>')
    html = _replace(html, 'href="icon.svg"', f'href="{_data_url(files["icon.svg"])}"')
    policy = f"script-src {_hash(script)}; style-src {_hash(css)}; img-src blob: data:;"
    html = _replace(html, POLICY, policy)
    for name, document in data.items():
        element = f'<script type="application/json" id="{name}">'
        html = _replace(html, element, element + _embeddable(document))
    return html


def bundle(files: dict[str, Path]) -> str:
    """Join the modules that the entry imports, each in a function, after those it imports."""
    joined: dict[str, str] = {}

    def add(name: str) -> None:
        if name in joined:
            return
        script = files[name].read_text()
        for _, imported in IMPORT.findall(script):
            add(imported)
        body = IMPORT.sub(lambda match: f"const {{{match[1]}}} = {_variable(match[2])};\n", script)
        exports = ", ".join(name for _, name in EXPORT.findall(script))
        body = EXPORT.sub(r"\1 \2", body)
        if name == ENTRY:
            joined[name] = f"{{\n{body}}}\n"
            return
        opening = f"const {_variable(name)} = (() => {{\n"
        joined[name] = f"{opening}{body}return {{ {exports} }};\n}})();\n"

    add(ENTRY)
    return "".join(joined.values())


def _variable(name: str) -> str:
    return name.replace(".", "_")


def _replace(text: str, old: str, new: str) -> str:
    """Replace what must occur once; a page that changes its form fails here and not in a browser.

    Raises:
        ValueError: If it does not occur once.
    """
    if text.count(old) != 1:
        raise ValueError(f"expected one {old!r} in the page, found {text.count(old)}")
    return text.replace(old, new)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _data_url(icon: Path) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(icon.read_bytes()).decode()}"


def _embeddable(document: Any) -> str:
    """Write JSON without the character that could end the element."""
    return json.dumps(document).replace("<", "\\u003c")
