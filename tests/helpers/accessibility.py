"""Accessibility of a page, by axe-core, which the package axe-playwright-python holds."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe

SEVERE = ("serious", "critical")
THEMES = ("light", "dark")


def severe_faults(page: Any) -> list[str]:
    """Return the serious and critical violations of what the page shows now, one line an element.

    Each color scheme is examined: contrast is the most frequent fault, and differs between them.
    """
    faults = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in SEVERE:
                faults += [_describe(theme, violation, node) for node in violation["nodes"]]
    return faults


def _describe(theme: str, violation: dict[str, Any], node: dict[str, Any]) -> str:
    reasons = [check["message"] for check in [*node["any"], *node["all"], *node["none"]]]
    place = ", ".join(map(str, node["target"]))
    return f"{theme}: {violation['id']}: {place}: {'; '.join(reasons)}"
