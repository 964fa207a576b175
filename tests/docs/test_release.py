"""Version, changelog, citation and release notes fit together: a person can cut a release."""

import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest
import yaml

import ankleboot
from ankleboot.recipes.catalog import RECIPES
from ankleboot.recipes.measured_results import load_results

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks/results"
CHANGELOG, NOTES, MEASURED = (
    (ROOT / name).read_text()
    for name in ("CHANGELOG.md", "docs/release_notes.md", "docs/measured.md")
)
VERSION = ankleboot.__version__
HEADINGS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""Headings of Keep a Changelog, in the order of its page."""

NUMBER = re.compile(r"(?<![\w.,/-])\d+(?:[.,/]\d+)*(?![\w-])")


def citation() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    return document


def blocks(text: str) -> dict[str, str]:
    """Return the text below each heading of a version."""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def faults(block: str) -> list[str]:
    """Return what a block of the changelog lacks to be that of a release."""
    titles = re.findall(r"^### (.+)$", block, re.MULTILINE)
    found = [f"unknown heading: {title}" for title in titles if title not in HEADINGS]
    if titles != [title for title in HEADINGS if title in titles]:
        found.append(f"expected each heading once, in this order: {', '.join(HEADINGS)}")
    entries = []
    for section in re.split(r"^###+ .+\n", block, flags=re.MULTILINE)[1:]:
        lines = section.strip().splitlines()
        found += [f"no entry: {line}" for line in lines if not re.match("- |  |$", line)]
        entries += [" ".join(text.split()) for text in f"\n{section}".split("\n- ")[1:]]
    return found + [f"twice: {entry}" for entry in entries if entries.count(entry) > 1]


def released(text: str, version: str, date: str) -> str:
    """Return the changelog as `RELEASING.md` changes it for a release."""
    heading = f"## [Unreleased]\n\n## [{version}] - {date}\n"
    return re.sub(
        r"^## \[Unreleased\]\n(\n[^#\n][^#]*?\n(?=\n))?", heading, text, flags=re.MULTILINE
    )


def test_the_version_stands_in_one_place_and_in_the_citation() -> None:
    pattern = re.compile(rf"(?<![\w.]){re.escape(VERSION)}(?![\w.])")
    folders = [(ROOT / name).rglob("*.*") for name in ("src", "tools", "deploy", "docs")]
    suffixes = {".py", ".toml", ".html", ".js", ".service", ".cff"}
    paths = [path for folder in folders for path in folder if path.suffix in suffixes]
    paths += [ROOT / name for name in ("pyproject.toml", "Makefile", "deploy/Containerfile")]
    holders = [path for path in paths if pattern.search(path.read_text())]
    assert [str(path.relative_to(ROOT)) for path in holders] == ["src/ankleboot/__init__.py"]
    assert len(re.findall(r"^__version__ = ", holders[0].read_text(), re.MULTILINE)) == 1
    assert str(citation()["version"]) == VERSION


def test_the_citation_has_the_keys_of_its_format() -> None:
    document = citation()
    assert {"cff-version", "message", "title", "authors"} <= set(document)
    optional = {"type", "version", "license", "keywords", "references"}
    optional |= {"date-released", "repository-code"}  # a release, or a public address, adds them
    assert set(document) <= {"cff-version", "message", "title", "authors"} | optional
    assert document["cff-version"] == "1.2.0" and document["type"] == "software"
    assert document["authors"] == [{"name": "The Ankleboot authors"}]
    for reference in document["references"]:
        assert {"type", "title", "authors"} <= set(reference)


def test_a_released_version_has_a_date_and_others_have_none() -> None:
    date = citation().get("date-released")
    assert (date is None) == VERSION.endswith(".dev0")
    if date is not None:
        assert f"[{VERSION}] - {date}" in blocks(CHANGELOG)


def test_the_changelog_is_one_of_releases() -> None:
    found = blocks(CHANGELOG)
    assert next(iter(found)) == "[Unreleased]"
    for heading, block in found.items():
        assert re.fullmatch(r"\[Unreleased\]|\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading)
        assert faults(block) == [], heading


def test_the_unreleased_block_can_become_a_release() -> None:
    text = released(CHANGELOG, "9.0.0", "2030-01-31")
    before, after = blocks(CHANGELOG), blocks(text)
    assert list(after)[:2] == ["[Unreleased]", "[9.0.0] - 2030-01-31"]
    assert not after["[Unreleased]"].strip()
    kept = re.search(r"^###.*", before["[Unreleased]"], re.MULTILINE | re.DOTALL)
    assert after["[9.0.0] - 2030-01-31"].strip() == (kept[0].strip() if kept else "")


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        ("\n### New\n\n- A\n", "unknown heading: New"),
        ("\n### Fixed\n\n- A\n\n### Added\n\n- B\n", "expected each heading once"),
        ("\n### Added\n\n- A\n\n### Added\n\n- B\n", "expected each heading once"),
        ("\n### Added\n\nProse.\n", "no entry: Prose."),
        ("\n### Added\n\n- A\n  b\n\n#### More\n\n- A b\n", "twice: A b"),
    ],
)
def test_the_check_of_the_changelog_can_fail(block: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(block))


def highlights() -> list[str]:
    section = NOTES.split("### Highlights")[1].split("### ")[0]
    found = re.findall(r"^- (.+(?:\n  .+)*)", section, re.MULTILINE)
    return [" ".join(text.split()) for text in found]


def test_the_notes_name_the_version_that_comes() -> None:
    version = VERSION.removesuffix(".dev0")
    assert re.findall(r"^## Ankleboot (.+)$", NOTES, re.MULTILINE) == [version]
    assert "](" not in NOTES  # links do not survive in a release on the repository page


def test_the_figures_of_the_notes_are_those_of_the_measured_page() -> None:
    found = highlights()
    assert len(found) == 5
    rows = [line for line in MEASURED.splitlines() if line.startswith("|")]
    for text in found:
        command = re.findall(r"`([^`]+)`", text)[-1]
        own = [row for row in rows if f"`{command}`" in row]
        numbers = set(NUMBER.findall(re.sub(r"`[^`]*`", "", text)))
        assert own and numbers <= set(NUMBER.findall("".join(own))), text


def test_the_figures_of_the_notes_are_those_of_the_stored_results() -> None:
    fast, small, single, server, labels = highlights()
    sprint = {row["name"]: row for row in stored("train")["summary"]}["sprint"]
    runs = [run for run in stored("reproduction")["runs"] if run["recipe"] == "sprint"]
    spread = mean_and_deviation([run["test_accuracy"] for run in runs])
    assert f"in {sprint['seconds']:.1f} s to {spread} test accuracy ({len(runs)} seeds)" in fast
    assert f"1/{sprint['ratio']:.0f} of the time" in fast
    point = {row["name"]: row for row in stored("predict")["summary"]}["litert"]
    assert f"1/{point['times_faster']:,.0f} of the time" in single
    paths = (RESULTS / "frontier").glob("cnn10k-*.json")
    networks = [json.loads(path.read_text()) for path in paths]
    spread = mean_and_deviation([network["test_accuracy"] for network in networks])
    assert f"has {networks[0]['parameters']:,} parameters and {spread}" in small
    assert f"({len(networks)} seeds)" in small
    stops = stored("serving_stops")
    assert f"During {stops['stops']} SIGTERMs" in server and f"{stops['sent']:,} requests" in server
    flips = stored("label_flips")
    first, second, third = (run["found"] for run in flips["runs"])
    assert f"Of {flips['flips']} planted" in labels
    assert f"{first}, {second} and {third} (three seeds" in labels


def mean_and_deviation(shares: list[float]) -> str:
    return f"{100 * statistics.mean(shares):.2f} +- {100 * statistics.stdev(shares):.2f} %"


def test_recipes_that_the_notes_call_unmeasured_have_no_result() -> None:
    pattern = r"^- Recipes? (.+) (?:is|are) not measured yet\.$"
    (sentence,) = re.findall(pattern, NOTES, re.MULTILINE)
    names = re.findall(r"`(\w+)`", sentence)
    assert set(names) <= set(RECIPES) - set(load_results())


def stored(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())
