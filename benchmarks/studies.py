"""Run the studies in full, and write docs/studies/ and what ships of their answers.

    python benchmarks/studies.py                    (all of them: see `ankleboot study` for minutes)
    python benchmarks/studies.py --only pooling     (runs that are there are not made again)
    python benchmarks/studies.py --render           (writes the pages from the stored results)
    python benchmarks/studies.py --check            (only says whether pages are stale)

A study's document goes to benchmarks/results/studies/NAME.json; the single runs stay in --out.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ankleboot.core.files import atomic_write, make_folder, write_json
from ankleboot.evaluation.plots.svg import picture_bytes, svg_file
from ankleboot.studies import results
from ankleboot.studies.catalog import STUDIES
from ankleboot.studies.page import markdown
from ankleboot.studies.sentences import sentences
from ankleboot.studies.stored_answers import PATH as ANSWERS
from ankleboot.studies.study import Study

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/studies"
PAGES = ROOT / "docs/studies"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", nargs="*", choices=list(STUDIES), default=list(STUDIES))
    parser.add_argument("--out", type=Path, default=ROOT / "runs/studies")
    parser.add_argument("--render", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        return int(is_stale())
    make_folder(RESULTS)
    make_folder(PAGES)
    if not arguments.render:
        for name in arguments.only:
            make(name, arguments.out)
    for name in stored():
        draw(STUDIES[name])
    for path, text in texts().items():
        atomic_write(path, text.encode())
    return 0


def make(name: str, out: Path) -> None:
    """Run what is missing, and keep the document."""
    command = [sys.executable, "-m", "ankleboot", "study", name, "--out", str(out)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    document = json.loads((out / name / "study.json").read_text())
    write_json(RESULTS / f"{name}.json", {"command": f"ankleboot study {name}"} | document)


def stored() -> dict[str, dict[str, Any]]:
    """The documents of the studies that were run in full, in the order of the questions."""
    found = {name: RESULTS / f"{name}.json" for name in STUDIES}
    return {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}


def texts() -> dict[Path, str]:
    """Every generated text and where it belongs."""
    documents = stored()
    said = {
        name: list(sentences(results.from_json(document, STUDIES[name])))
        for name, document in documents.items()
    }
    pages = {
        PAGES / f"{name}.md": markdown(STUDIES[name], document, figures(STUDIES[name]))
        for name, document in documents.items()
    }
    index = [
        "# Eight questions, measured",
        "",
        "Written by `python benchmarks/studies.py`. Each answer is that of an experiment which",
        "`ankleboot study NAME` repeats on your machine; what the runs do not show is not claimed.",
    ]
    for name, answer in said.items():
        index += ["", f"## [{STUDIES[name].question}]({name}.md)", ""]
        index += [f"{number}. {one}" for number, one in enumerate(answer, 1)]
    texts = {PAGES / "README.md": "\n".join(index) + "\n", **pages}
    return texts | {ANSWERS: json.dumps(said, indent=2) + "\n"}


def figures(study: Study) -> list[str]:
    """The names of a study's figures, which lie beside its page."""
    document = json.loads((RESULTS / f"{study.name}.json").read_text())
    charts = study.charts(results.from_json(document, study))
    return [
        f"{study.name}-{number}.{'png' if chart.is_picture else 'svg'}"
        for number, chart in enumerate(charts, 1)
    ]


def draw(study: Study) -> None:
    """Write a study's figures."""
    document = json.loads((RESULTS / f"{study.name}.json").read_text())
    charts = study.charts(results.from_json(document, study))
    for chart, name in zip(charts, figures(study), strict=True):
        content = (
            picture_bytes(chart.draw()) if chart.is_picture else svg_file(chart.draw, chart.title)
        )
        atomic_write(PAGES / name, content)


def is_stale() -> bool:
    """Whether a page is not what the stored results give, or a figure is missing."""
    wrong = [
        path for path, text in texts().items() if not path.exists() or path.read_text() != text
    ]
    wrong += [
        PAGES / figure
        for name in stored()
        for figure in figures(STUDIES[name])
        if not (PAGES / figure).exists()
    ]
    for path in wrong:
        print(f"{path.relative_to(ROOT)} is stale: run python benchmarks/studies.py --render")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
