"""Run the studies in full; write docs/studies/ and the answers that ship with the package.

    python benchmarks/studies.py                    (all of them: see `ankleboot study` for minutes)
    python benchmarks/studies.py --only pooling     (stored runs are reused)
    python benchmarks/studies.py --render           (write the pages from the stored results)
    python benchmarks/studies.py --check            (exit with 1 if a page is stale)

The document of a study goes to benchmarks/results/studies/NAME.json, its runs to --output.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ankleboot.core import plugins
from ankleboot.core.files import atomic_write, make_folder, write_json
from ankleboot.evaluation.plots.svg import png, svg
from ankleboot.studies.page import fill_lines, render_markdown
from ankleboot.studies.results import StudyResults
from ankleboot.studies.sentences import answer_sentences
from ankleboot.studies.stored_answers import STORED_ANSWERS
from ankleboot.studies.study import Chart, get_study

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/studies"
PAGES = ROOT / "docs/studies"
NAMES = tuple(plugins.BUILT_IN["studies"])
STYLE = (
    "<style>svg{color:#1d1d1f;--blue:#1f5fa8;font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#f1efea;--blue:#6aa9ea}}</style>"
)
"""Colors and font of an SVG file, which follows the light or dark scheme of its viewer."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--output", type=Path, default=ROOT / "runs/studies")
    parser.add_argument("--render", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        return int(is_stale())
    make_folder(RESULTS)
    make_folder(PAGES)
    if not arguments.render:
        for name in arguments.only:
            run_study(name, arguments.output)
    for name, document in stored_documents().items():
        draw_figures(name, document)
    for path, text in render_texts().items():
        atomic_write(path, text.encode())
    return 0


def run_study(name: str, folder: Path) -> None:
    """Make the missing runs of a study and store its document."""
    command = [sys.executable, "-m", "ankleboot", "study", name, "--output", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    document = json.loads((folder / name / "study.json").read_text())
    write_json(RESULTS / f"{name}.json", {"command": f"ankleboot study {name}"} | document)


def stored_documents() -> dict[str, dict[str, Any]]:
    """Return the documents of the studies that were run in full, in their order."""
    paths = {name: RESULTS / f"{name}.json" for name in NAMES}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


def render_texts() -> dict[Path, str]:
    """Return every generated text by its path."""
    answers, pages = {}, {}
    for name, document in stored_documents().items():
        study = get_study(name)
        answers[name] = list(answer_sentences(StudyResults.from_json(document, study)))
        pages[PAGES / f"{name}.md"] = render_markdown(study, document, list(charts(name, document)))
    overview = [
        "# Eight questions, measured",
        "",
        "Each answer comes from an experiment that `ankleboot study NAME` repeats on your machine.",
        "Open a question for the numbers, the tests and what to try yourself. Each has a quiz of",
        "ten items, and the [teacher's page](../teaching.md) makes lessons of them.",
        *(line for name in answers for line in overview_lines(name)),
        "",
        "`python benchmarks/studies.py` writes these pages from the stored runs.",
    ]
    return {
        PAGES / "README.md": "\n".join(overview) + "\n",
        **pages,
        STORED_ANSWERS: json.dumps(answers, indent=2) + "\n",
    }


def overview_lines(name: str) -> list[str]:
    """Return the section of a study on the overview page."""
    study = get_study(name)
    links = f"[Numbers, tests, what to try]({name}.md) - [Quiz](quizzes/{name}.md)"
    lines = ["", f"## [{study.question}]({name}.md)", ""]
    if study.plain is None:
        return [*lines, links]
    figure = list(charts(name, stored_documents()[name]))[study.plain.figure]
    image = f"![{study.question}]({figure})"
    answer = fill_lines(" ".join(study.plain.sentences))
    return [*lines, answer, "", image, "", fill_lines(study.plain.caption), "", links]


def charts(name: str, document: dict[str, Any]) -> dict[str, Chart]:
    """Return the charts of a study by the file names of their figures."""
    study = get_study(name)
    return {
        f"{name}-{number}.{'png' if chart.has_pixels else 'svg'}": chart
        for number, chart in enumerate(study.charts(StudyResults.from_json(document, study)), 1)
    }


def draw_figures(name: str, document: dict[str, Any]) -> None:
    """Write the figures of a study."""
    for file_name, chart in charts(name, document).items():
        if chart.has_pixels:
            content = png(chart.draw())
        else:
            content = svg(chart.draw, chart.title).replace(">", f">{STYLE}", 1).encode()
        atomic_write(PAGES / file_name, content)


def is_stale() -> bool:
    """Return whether a page differs from the stored results or a figure is missing."""
    stale = [p for p, text in render_texts().items() if not p.exists() or p.read_text() != text]
    stale += [
        PAGES / file_name
        for name, document in stored_documents().items()
        for file_name in charts(name, document)
        if not (PAGES / file_name).exists()
    ]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is stale: run python benchmarks/studies.py --render")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
