"""Files of the pages: they fit each other and load nothing from other hosts."""

import re
from pathlib import Path

import pytest

from ankleboot.web.render import SHARED, WEB

DATA = r' type="application/json" id="[\w-]+"></script>'
"""Element that an export fills with data."""

PAGES = ("server_page", "label_page", "offline_app", "playground")
OFFLINE = ("offline_app", "playground")  # exported, so that their policy is in the HTML


def files_of(page: str) -> dict[str, Path]:
    """Return a page's files by name, as they lie in one folder when served or exported."""
    return {path.name: path for folder in (SHARED, WEB / page) for path in folder.iterdir()}


def scripts_of(page: str) -> dict[str, str]:
    return {name: p.read_text() for name, p in files_of(page).items() if p.suffix == ".js"}


def exports_of(script: str) -> set[str]:
    names = set(re.findall(r"^export (?:async )?(?:function|const|class) (\w+)", script, re.M))
    for group in re.findall(r"^export const \{([^}]*)\}", script, re.M):
        names |= {name.strip() for name in group.split(",")}
    return names


def imports_of(script: str) -> list[tuple[str, str]]:
    """Return pairs of module and name."""
    groups = re.findall(r'^import \{([^}]*)\} from "\./([^"]+)"', script, re.M)
    return [
        (module, name.strip())
        for names, module in groups
        for name in names.split(",")
        if name.strip()
    ]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_and_the_shared_files_have_different_names(page: str) -> None:
    assert not {path.name for path in (WEB / page).iterdir()} & {p.name for p in SHARED.iterdir()}


@pytest.mark.parametrize("page", PAGES)
def test_every_import_is_an_export_and_is_used(page: str) -> None:
    scripts = scripts_of(page)
    for file, script in scripts.items():
        for module, name in imports_of(script):
            if not module.startswith("runtime/"):
                assert name in exports_of(scripts[module]), f"{file}: {name} of {module}"
            assert len(re.findall(rf"(?<![\w$]){name}(?![\w$])", script)) > 1, f"{file}: {name}"


@pytest.mark.parametrize("page", PAGES)
def test_every_export_of_a_page_is_imported(page: str) -> None:
    scripts = scripts_of(page)
    imported = {pair for script in scripts.values() for pair in imports_of(script)}
    for file in (path.name for path in (WEB / page).glob("*.js")):
        assert {(file, name) for name in exports_of(scripts[file])} <= imported


@pytest.mark.parametrize("page", PAGES)
def test_every_element_that_a_script_needs_is_in_the_html(page: str) -> None:
    html = (WEB / page / "index.html").read_text()
    for path in (WEB / page).glob("*.js"):
        for name in re.findall(r'byId\("([\w-]+)"\)', path.read_text()):
            assert f' id="{name}"' in html, f"{path.name}: {name}"


@pytest.mark.parametrize("page", PAGES)
def test_html_has_no_inline_scripts_or_styles(page: str) -> None:
    """The content security policy forbids them."""
    html = (WEB / page / "index.html").read_text()
    assert not re.search(rf"<style|\sstyle=|\son\w+=|<script(?! type=\"module\" src=|{DATA})", html)


@pytest.mark.parametrize("page", PAGES)
def test_scripts_insert_no_html_and_name_no_other_host(page: str) -> None:
    for name, script in scripts_of(page).items():
        assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", script), name
        assert not re.search(r"https?://\w", script), name


@pytest.mark.parametrize("page", OFFLINE)
def test_the_policy_of_an_exported_page_allows_its_own_folder_only(page: str) -> None:
    html = (WEB / page / "index.html").read_text()
    policy = html.split('content="default-src')[1].split('"')[0]
    assert re.match(r" 'none'; script-src 'self'( 'wasm-unsafe-eval')?; style-src 'self'", policy)
    assert "http" not in policy and "unsafe-inline" not in policy
