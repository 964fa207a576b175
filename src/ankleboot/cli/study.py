"""`ankleboot study`: the concept questions, measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ankleboot.cli.options import json_option
from ankleboot.core.errors import UsageError

ALL = "all"


@click.command()
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="A look in two minutes at most; it claims nothing.")
@click.option("--seeds", type=click.IntRange(min=1), help="Runs of each variant.")
@click.option(
    "--data", "data_name", default="fashion-mnist", metavar="NAME|DIR", help="As in train."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/studies"),
    show_default=True,
    help="Folder for the runs and the page; what is there is not run again.",
)
@json_option
def study(
    name: str | None, quick: bool, seeds: int | None, data_name: str, out: Path, as_json: bool
) -> None:
    """Answer a concept question by an experiment: NAME is a study, or all.

    Trains variants of a recipe with several seeds, each in a process of its own, tests what
    differs, and writes a page: the answer in three sentences, numbers, figures, what to try next.
    Without NAME the studies are listed with what they take and what was found. Stopped, it goes on
    where it was.
    """
    from ankleboot.cli import output
    from ankleboot.studies.catalog import STUDIES, get_study

    if name is None:
        if quick or seeds:
            raise UsageError(f"name a study: {', '.join(STUDIES)} or {ALL}")
        _list(as_json)
        return
    chosen = list(STUDIES) if name == ALL else [get_study(name).name]
    documents = [_run(one, quick, seeds, data_name, out) for one in chosen]
    if as_json:
        shown = [{key: one[key] for key in one if key != "rows"} for one in documents]
        output.print_json(shown if name == ALL else shown[0])
        return
    for document in documents:
        output.study_result(document)


def _run(name: str, quick: bool, seeds: int | None, data_name: str, out: Path) -> dict[str, Any]:
    """Make the runs and the page; the document with sentences, tables and paths."""
    from ankleboot.cli import output
    from ankleboot.data.load import load_data
    from ankleboot.studies import results, tables
    from ankleboot.studies.catalog import get_study
    from ankleboot.studies.runner import folder_of, run_study
    from ankleboot.studies.sentences import sentences

    chosen, data = get_study(name), load_data(data_name)
    document = run_study(
        chosen, data, out, data_name=data_name, quick=quick, seeds=seeds, say=output.log_line
    )
    found = results.from_json(document, chosen)
    folder = folder_of(chosen, out, quick=quick)
    from ankleboot.studies.page import write_page  # matplotlib, not before there is something

    write_page(chosen, document, folder / "study.html")
    return document | {
        "question": chosen.question,
        "sentences": list(sentences(found)),
        "table": tables.numbers(found),
        "page": str(folder / "study.html"),
        "next": list(chosen.next_steps),
    }


def _list(as_json: bool) -> None:
    from ankleboot.cli import output
    from ankleboot.studies.catalog import STUDIES
    from ankleboot.studies.stored_answers import answers

    stored = answers()
    rows = [
        {
            "name": one.name,
            "question": one.question,
            "runs": one.num_runs,
            "minutes": one.minutes,
            "answer": list(stored.get(one.name, ())),
        }
        for one in STUDIES.values()
    ]
    if as_json:
        output.print_json(rows)
    else:
        output.study_list(rows)
