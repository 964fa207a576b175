"""Pages of a study: HTML, and Markdown with figures beside it."""

from pathlib import Path
from typing import Any

from ankleboot.core.files import atomic_write
from ankleboot.evaluation.plots.svg import png_url, svg
from ankleboot.studies import tables
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import answer_sentences
from ankleboot.studies.study import Study
from ankleboot.web.render import render


def write_page(study: Study, document: dict[str, Any], path: Path) -> None:
    """Write the HTML page; it is one file without external resources."""
    results = StudyResults.from_json(document, study)
    charts = study.charts(results)
    tests = tables.tests_table(results)
    content = {
        "title": study.name,
        "question": study.question,
        "hypothesis": study.hypothesis,
        "is_quick": results.is_quick,
        "runs": len(results.rows),
        "data": document["data"]["name"],
        "sentences": answer_sentences(results),
        "images": [
            {"title": chart.title, "address": png_url(chart.draw())}
            for chart in charts
            if chart.has_pixels
        ],
        "titles": [chart.title for chart in charts if not chart.has_pixels],
        "drawings": [svg(chart.draw, chart.title) for chart in charts if not chart.has_pixels],
        "table": tables.numbers_table(results),
        "tests": tests,
        "tests_note": tables.TESTS_NOTE if len(tests) > 1 else tables.NO_TESTS_NOTE,
        "commands": "\n".join(study.next_steps),
        "variants": tables.commands_table(results),
        "environment": tables.environment_line(document),
    }
    atomic_write(path, render(content, "study.html", drawn=("drawings",)).encode())


def render_markdown(study: Study, document: dict[str, Any], figures: list[str]) -> str:
    """Return the page of the docs; every number comes from the document.

    Args:
        study: Study of the page.
        document: Content of its study.json.
        figures: Addresses of the charts, in their order.
    """
    results = StudyResults.from_json(document, study)
    tests = tables.tests_table(results)
    images = [
        f"![{chart.title}]({address})"
        for chart, address in zip(study.charts(results), figures, strict=True)
    ]
    lines = [
        f"# {study.question}",
        "",
        "Written by `python benchmarks/studies.py` from the runs of "
        f"`ankleboot study {study.name}`. To do it yourself, in small and step by step: "
        f"[the notebook](../../notebooks/{study.name}.ipynb).",
        "",
        *(f"{number}. {text}" for number, text in enumerate(answer_sentences(results), 1)),
        "",
        f"Supposed before: {study.hypothesis}",
        "",
        *(line for image in images for line in (image, "")),
        "## Numbers",
        "",
        *_table_lines(tables.numbers_table(results)),
        "",
        "Means over the runs, +- their standard deviation.",
        "",
        "## Tests",
        "",
        *(
            [*_table_lines(tests), "", tables.TESTS_NOTE]
            if len(tests) > 1
            else [tables.NO_TESTS_NOTE]
        ),
        "",
        "## What to try next",
        "",
        "```",
        *study.next_steps,
        "```",
        "",
        "## How it was measured",
        "",
        *(f"- {name}: `{command}`" for name, command in tables.commands_table(results).items()),
        "",
        f"{tables.environment_line(document)}. All runs: "
        f"[{study.name}.json](../../benchmarks/results/studies/{study.name}.json).",
    ]
    return "\n".join(lines) + "\n"


def _table_lines(rows: tables.Table) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]
