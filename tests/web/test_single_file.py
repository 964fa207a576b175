"""Pages in one file: modules in the order of their imports, each with names of its own."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from ankleboot.web.render import WEB
from ankleboot.web.single_file import POLICY, bundle, single_file

HTML = f"""<!doctype html>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; {POLICY}">
<link rel="icon" href="icon.svg">
<link rel="stylesheet" href="style.css">
<link rel="stylesheet" href="own.css">
<script type="application/json" id="data"></script>
<script type="module" src="app.js"></script>
<body></body>
"""
FILES = {
    "index.html": HTML,
    "own.css": "p { margin: 0 }\n",
    "app.js": 'import { half, twice } from "./first.js";\nconst x = 1;\nhalf(twice(x));\n',
    "first.js": 'import { x } from "./second.js";\n\nexport const half = (y) => y / x;\n'
    "export async function twice(y) {\n  return y * x;\n}\n",
    "second.js": "export const x = 2;\n",
}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def test_modules_follow_those_they_import_and_share_no_names(page: Path) -> None:
    assert bundle({path.name: path for path in page.iterdir()}) == (
        "const second_js = (() => {\nconst x = 2;\nreturn { x };\n})();\n"
        "const first_js = (() => {\nconst { x } = second_js;\n\nconst half = (y) => y / x;\n"
        "async function twice(y) {\n  return y * x;\n}\nreturn { half, twice };\n})();\n"
        "{\nconst { half, twice } = first_js;\nconst x = 1;\nhalf(twice(x));\n}\n"
    )


def test_the_policy_names_what_the_file_holds_and_allows_no_connection(page: Path) -> None:
    html = single_file(page, {"data": {"text": "</script><b>"}})
    assert not re.search(r'src="|href="(?!data:)|connect-src|\'self\'', html)
    (script,) = re.findall(r'<script type="module">(.*?)</script>', html, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style.endswith(FILES["own.css"]) and "--paper" in style
    for kind, content in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in html
    assert '<script type="application/json" id="data">{"text": "\\u003c/script>\\u003cb>"}<' in html


@pytest.mark.parametrize("lost", ["app.js", "icon.svg", "'self';", 'id="data"', "</body>"])
def test_a_page_of_another_form_is_refused(lost: str, page: Path) -> None:
    (page / "index.html").write_text(HTML.replace(lost, ""))
    with pytest.raises(ValueError, match="in the page, found 0"):
        single_file(page, {"data": {}})


def test_modules_of_the_playground_export_by_forms_that_are_joined() -> None:
    """Other forms, such as `export default`, would be left in the script."""
    script = bundle({p.name: p for f in ("shared", "playground") for p in (WEB / f).iterdir()})
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
