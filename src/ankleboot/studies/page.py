"""A study as a page of its own, and as Markdown with figures beside it."""

from pathlib import Path
from typing import Any

from ankleboot.core.files import atomic_write
from ankleboot.evaluation.plots.svg import picture, svg
from ankleboot.studies import results, tables
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import sentences
from ankleboot.studies.study import Study
from ankleboot.web.render import render

TEMPLATE = "study.html"


def write_page(study: Study, document: dict[str, Any], path: Path) -> None:
    """Write the HTML page; it opens from the disk and needs no network."""
    found = results.from_json(document, study)
    charts = study.charts(found)
    drawings = [svg(one.draw, one.title) for one in charts if not one.is_picture]
    places = iter(range(len(drawings)))
    figures = [
        {"title": one.title, "address": picture(one.draw()), "place": 0}
        if one.is_picture
        else {"title": one.title, "address": "", "place": next(places)}
        for one in charts
    ]
    tests = tables.tests(found)
    content = {
        "title": study.name,
        "question": study.question,
        "hypothesis": study.hypothesis,
        "is_quick": found.is_quick,
        "runs": len(found.rows),
        "data": document["data"]["name"],
        "sentences": sentences(found),
        "figures": figures,
        "drawings": drawings,
        "table": tables.numbers(found),
        "tests": tests,
        "tests_note": tables.TESTS_NOTE if len(tests) > 1 else tables.NO_TESTS_NOTE,
        "commands": "\n".join(study.next_steps),
        "variants": ways(found),
        "place": tables.environment_line(document),
    }
    atomic_write(path, render(content, TEMPLATE, drawn=("drawings",)).encode())


def ways(found: StudyResults) -> dict[str, str]:
    """The command behind every variant that ran."""
    chosen = found.study.quick if found.is_quick else found.study.variants
    return {one.name: tables.command_of(one) for one in chosen if one.name in found.variants}


def markdown(study: Study, document: dict[str, Any], figures: list[str]) -> str:
    """The page of the docs; every number in it comes from the document.

    Args:
        study: Which.
        document: What study.json holds.
        figures: Addresses of the charts, in their order.
    """
    found = results.from_json(document, study)
    tests = tables.tests(found)
    pictures = [
        f"![{chart.title}]({address})"
        for chart, address in zip(study.charts(found), figures, strict=True)
    ]
    lines = [
        f"# {study.question}",
        "",
        "Written by `python benchmarks/studies.py` from the runs of "
        f"`ankleboot study {study.name}`. To do it yourself, in small and step by step: "
        f"[the notebook](../../notebooks/{study.name}.ipynb).",
        "",
        *(f"{number}. {one}" for number, one in enumerate(sentences(found), 1)),
        "",
        f"Supposed before: {study.hypothesis}",
        "",
        *(line for one in pictures for line in (one, "")),
        "## Numbers",
        "",
        *_table(tables.numbers(found)),
        "",
        "Means over the runs, +- their standard deviation.",
        "",
        "## Tests",
        "",
        *([*_table(tests), "", tables.TESTS_NOTE] if len(tests) > 1 else [tables.NO_TESTS_NOTE]),
        "",
        "## What to try next",
        "",
        "```",
        *study.next_steps,
        "```",
        "",
        "## How it was measured",
        "",
        *(f"- {name}: `{how}`" for name, how in ways(found).items()),
        "",
        f"{tables.environment_line(document)}. All runs: "
        f"[{study.name}.json](../../benchmarks/results/studies/{study.name}.json).",
    ]
    return "\n".join(lines) + "\n"


def _table(rows: tables.Table) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]
