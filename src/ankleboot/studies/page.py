"""Pages of a study: HTML, and Markdown with figures beside it."""

import html
import textwrap
from pathlib import Path
from typing import Any

from ankleboot.core.files import atomic_write
from ankleboot.evaluation.plots.svg import png_url, svg
from ankleboot.studies import tables
from ankleboot.studies.claims import unsupported_claims
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import answer_sentences, describe_runs
from ankleboot.studies.study import Chart, Study
from ankleboot.web.render import render

LINE_LENGTH = 118  # characters of a line of Markdown
NO_BREAK = "\u00a0"  # space at which no line is broken


def write_page(study: Study, document: dict[str, Any], path: Path) -> None:
    """Write the HTML page; it is one file without external resources."""
    results = StudyResults.from_json(document, study)
    charts = study.charts(results)
    content = {
        "title": study.name,
        "question": study.question,
        "hypothesis": study.hypothesis,
        "plain": study.plain,
        "unsupported": unsupported_claims(study, results),
        "is_quick": results.is_quick,
        "described_runs": describe_runs(study, document) if results.is_quick else (),
        "runs": len(results.rows),
        "data": document["data"]["name"],
        "sentences": answer_sentences(results),
        "key": _key_figure(study),
        "titles": [chart.title for chart in charts],
        "across": [chart.has_pixels for chart in charts],
        "figures": [_figure(chart) for chart in charts],
        "table": tables.numbers_table(results),
        "tests": tables.tests_table(results),
        "tests_note": tables.tests_note(results),
        "steps": tables.steps_table(study),
        "variants": tables.commands_table(results),
        "environment": tables.environment_line(document),
    }
    atomic_write(path, render(content, "study.html", drawn=("figures",)).encode())


def _key_figure(study: Study) -> int:
    """Return the index of the chart that shows the answer."""
    return study.plain.figure if study.plain else 0


def _figure(chart: Chart) -> str:
    """Return a chart as HTML."""
    if not chart.has_pixels:
        return svg(chart.draw, chart.title)
    return f'<img src="{png_url(chart.draw())}" alt="{html.escape(chart.title)}">'


def render_markdown(study: Study, document: dict[str, Any], figures: list[str]) -> str:
    """Return the page of the docs; `figures` are the addresses of the charts, in order."""
    results = StudyResults.from_json(document, study)
    charts = zip(study.charts(results), figures, strict=True)
    images = [f"![{chart.title}]({address})\n\n" for chart, address in charts]
    first = images.pop(_key_figure(study)) if images else ""
    sentences = "\n\n".join(map(fill_lines, answer_sentences(results)))
    commands = (f"- {name}: `{text}`\n" for name, text in tables.commands_table(results).items())
    return f"""\
# {study.question}

{_plain_lines(study, first)}## How sure are we?

{sentences}

{_caveats(study)}{_table(tables.tests_table(results))}{fill_lines(tables.tests_note(results))}

## Try it yourself

{_steps(study)}
## Details

{"".join(images)}### Expected beforehand

{fill_lines(study.hypothesis)}

### Numbers

{_table(tables.numbers_table(results))}Means over the runs, +- their standard deviation.

### How it was measured

{"".join(commands)}
{tables.environment_line(document)}. \
All runs: [{study.name}.json](../../benchmarks/results/studies/{study.name}.json). \
`python benchmarks/studies.py` writes this page from them.
"""


def _plain_lines(study: Study, figure: str) -> str:
    """Return the plain answer, and the figure with its caption."""
    if study.plain is None:
        return figure
    answer = fill_lines(f"**{' '.join(study.plain.sentences)}**")
    return f"{answer}\n\n{figure}{fill_lines(study.plain.caption)}\n\n"


def _caveats(study: Study) -> str:
    if study.plain is None:
        return ""
    lines = "".join(f"{fill_lines(f'- {caveat}', '  ')}\n" for caveat in study.plain.caveats)
    return f"What limits this answer:\n\n{lines}\n"


def _steps(study: Study) -> str:
    """Return what to try, and what repeats the study."""
    lines = [f"- {words}: `{command}`\n" for words, command in tables.steps_table(study)]
    return f"""\
Change one thing and see whether the answer changes:

{"".join(lines)}
The study again: `ankleboot study {study.name}` (about {study.minutes:g} minutes on two cores), or
one short run of each variant, which claims nothing: `ankleboot study {study.name} --quick`.
In small steps: [the notebook](../../notebooks/{study.name}.ipynb). What have you learned?
[Ten questions](quizzes/{study.name}.md).
"""


def fill_lines(text: str, indent: str = "") -> str:
    """Break a paragraph into lines of Markdown; those below the first are indented.

    No line begins with a percent sign, which makes it a comment for the site's parser.
    """
    filled = textwrap.fill(
        text.replace(" %", f"{NO_BREAK}%"),
        LINE_LENGTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace(NO_BREAK, " ")


def _table(rows: tables.Table) -> str:
    """Return the table and an empty line; nothing without rows below the head."""
    lines = [f"| {' | '.join(row)} |\n" for row in rows]
    whole = [lines[0], "|---" * len(rows[0]) + "|\n", *lines[1:], "\n"]
    return "".join(whole) if len(rows) > 1 else ""
