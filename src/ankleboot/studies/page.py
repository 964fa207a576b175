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
    drawings = [chart for chart in charts if not chart.has_pixels]
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
        "titles": [chart.title for chart in drawings],
        "drawings": [svg(chart.draw, chart.title) for chart in drawings],
        "table": tables.numbers_table(results),
        "tests": tables.tests_table(results),
        "tests_note": tables.tests_note(results),
        "commands": "\n".join(study.next_steps),
        "variants": tables.commands_table(results),
        "environment": tables.environment_line(document),
    }
    atomic_write(path, render(content, "study.html", drawn=("drawings",)).encode())


def render_markdown(study: Study, document: dict[str, Any], figures: list[str]) -> str:
    """Return the page of the docs; `figures` are the addresses of the charts, in order."""
    results = StudyResults.from_json(document, study)
    sentences = (f"{number}. {text}\n" for number, text in enumerate(answer_sentences(results), 1))
    charts = zip(study.charts(results), figures, strict=True)
    images = (f"![{chart.title}]({address})\n\n" for chart, address in charts)
    steps = "\n".join(study.next_steps)
    commands = (f"- {name}: `{text}`\n" for name, text in tables.commands_table(results).items())
    return f"""\
# {study.question}

Written by `python benchmarks/studies.py` from the runs of `ankleboot study {study.name}`. \
To do it yourself, in small and step by step: [the notebook](../../notebooks/{study.name}.ipynb).

{"".join(sentences)}
Supposed before: {study.hypothesis}

{"".join(images)}## Numbers

{_table(tables.numbers_table(results))}Means over the runs, +- their standard deviation.

## Tests

{_table(tables.tests_table(results))}{tables.tests_note(results)}

## What to try next

```
{steps}
```

## How it was measured

{"".join(commands)}
{tables.environment_line(document)}. \
All runs: [{study.name}.json](../../benchmarks/results/studies/{study.name}.json).
"""


def _table(rows: tables.Table) -> str:
    """Return the table and an empty line; nothing without rows below the head."""
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    whole = [lines[0], "|---" * len(rows[0]) + "|\n", *lines[1:], "\n"]
    return "".join(whole) if len(rows) > 1 else ""
