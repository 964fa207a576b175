"""`ankleboot study`: answer concept questions by experiments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ankleboot.cli.options import json_option
from ankleboot.core import plugins
from ankleboot.core.errors import UsageError

ALL = "all"


@click.command()
@click.argument("name", required=False)
@click.option("--quick", is_flag=True, help="Run for two minutes at most; this claims nothing.")
@click.option("--seeds", type=click.IntRange(min=1), help="Number of runs of each variant.")
@click.option(
    "--data", "data_name", default="fashion-mnist", metavar="NAME|DIR", help="As in train."
)
@click.option(
    "--output",
    "output_dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs/studies"),
    show_default=True,
    help="Folder for the runs and the page; stored runs are reused.",
)
@json_option
def study(
    name: str | None,
    quick: bool,
    seeds: int | None,
    data_name: str,
    output_dir: Path,
    as_json: bool,
) -> None:
    """Answer a concept question by an experiment: NAME is a study, or all.

    Trains variants of a recipe with several seeds, each in a process of its own, tests the
    differences, and writes a page: the answer in three sentences, numbers, figures, next steps.
    Without NAME, lists the studies with their duration and answer. After an interruption, the same
    command continues.
    """
    from ankleboot.cli import output

    names = plugins.names("studies")
    if name is None:
        if quick or seeds:
            raise UsageError(f"name a study: {', '.join(names)} or {ALL}")
        rows = _list_studies()
        output.print_json(rows) if as_json else output.study_list(rows)
        return
    chosen = names if name == ALL else (name,)
    documents = [_run(each, quick, seeds, data_name, output_dir) for each in chosen]
    if as_json:
        shown = [{key: doc[key] for key in doc if key != "rows"} for doc in documents]
        output.print_json(shown if name == ALL else shown[0])
        return
    for document in documents:
        output.study_result(document)


def _run(
    name: str, quick: bool, seeds: int | None, data_name: str, output_dir: Path
) -> dict[str, Any]:
    """Make the runs and the page; return the document with sentences, table and path."""
    from ankleboot.cli import output
    from ankleboot.data.load import load_data
    from ankleboot.studies import tables
    from ankleboot.studies.results import StudyResults
    from ankleboot.studies.runner import folder_of, run_study
    from ankleboot.studies.sentences import answer_sentences
    from ankleboot.studies.study import get_study

    chosen = get_study(name)
    document = run_study(
        chosen,
        load_data(data_name),
        output_dir,
        data_name=data_name,
        quick=quick,
        seeds=seeds,
        progress=output.log_line,
    )
    results = StudyResults.from_json(document, chosen)
    page = folder_of(chosen, output_dir, quick=quick) / "study.html"
    from ankleboot.studies.page import write_page  # imports matplotlib

    write_page(chosen, document, page)
    return document | {
        "question": chosen.question,
        "sentences": list(answer_sentences(results)),
        "table": tables.numbers_table(results),
        "page": str(page),
        "next": list(chosen.next_steps),
    }


def _list_studies() -> list[dict[str, Any]]:
    from ankleboot.studies.stored_answers import stored_answers
    from ankleboot.studies.study import get_study

    answers = stored_answers()
    return [
        {
            "name": name,
            "question": chosen.question,
            "runs": chosen.num_runs,
            "minutes": chosen.minutes,
            "answer": list(answers.get(name, ())),
        }
        for name in plugins.names("studies")
        for chosen in [get_study(name)]
    ]
