"""`ankleboot study`: answer concept questions by experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ankleboot.cli import options
from ankleboot.cli.executor_options import ExecutorOptions, executor_option
from ankleboot.core import plugins
from ankleboot.core.errors import UsageError

if TYPE_CHECKING:
    from ankleboot.core.executors.executor import Executor

ALL = "all"
NEEDED = ("keras", "tensorflow", "matplotlib", "jinja2")
"""Modules of the runs, which are processes of their own, and of the page."""


@click.command()
@click.argument("name", required=False)
@click.option(
    "--quick", is_flag=True, help="Train each variant once, for a few minutes; this claims nothing."
)
@click.option("--seeds", type=click.IntRange(min=1), help="Number of runs of each variant.")
@options.data_name_option
@options.output_option("Folder for the runs and the page; stored runs are reused.", "runs/studies")
@executor_option
@options.json_option
def study(
    name: str | None,
    quick: bool,
    seeds: int | None,
    data_name: str,
    output: Path,
    place: ExecutorOptions,
) -> options.Result:
    """Answer a concept question by an experiment: NAME is a study, or all.

    Trains variants of a recipe with several seeds, each in a process of its own, tests the
    differences, and writes a page: plain answer, figures, numbers with tests, what to try next.
    One run at a time has all cores, since some studies measure seconds; --parallel runs several.
    Without NAME, lists the questions with the answers of the full studies and their minutes. After
    an interruption, the same command continues.
    """
    from ankleboot.cli.output.studies import study_list, study_results
    from ankleboot.core.environment import require_modules

    names = plugins.names("studies")
    if name is None:
        if quick or seeds:
            raise UsageError(f"name a study: {', '.join(names)} or {ALL}")
        place.refuse("the name of a study")
        rows = _list_studies()
        return rows, lambda: study_list(rows)
    chosen = names if name == ALL else (name,)
    require_modules(*NEEDED)
    executor = place.executor(limit=1)
    documents = [_run(each, quick, seeds, data_name, output, executor) for each in chosen]
    shown = [{key: doc[key] for key in doc if key != "rows"} for doc in documents]
    return shown if name == ALL else shown[0], lambda: study_results(documents)


def _run(
    name: str,
    quick: bool,
    seeds: int | None,
    data_name: str,
    output: Path,
    executor: Executor,
) -> dict[str, Any]:
    """Make the runs and the page; return the document with sentences, table and path."""
    from ankleboot.cli.output.terminal import log_line
    from ankleboot.data.load import load_data
    from ankleboot.studies import tables
    from ankleboot.studies.claims import unsupported_claims
    from ankleboot.studies.results import StudyResults
    from ankleboot.studies.runner import folder_of, run_study
    from ankleboot.studies.sentences import answer_sentences, describe_runs
    from ankleboot.studies.study import get_study

    chosen = get_study(name)
    document = run_study(
        chosen,
        load_data(data_name),
        output,
        data_name=data_name,
        quick=quick,
        seeds=seeds,
        progress=log_line,
        executor=executor,
    )
    results = StudyResults.from_json(document, chosen)
    page = folder_of(chosen, output, quick=quick) / "study.html"
    from ankleboot.studies.page import write_page  # imports matplotlib

    write_page(chosen, document, page)
    return document | {
        "question": chosen.question,
        "described_runs": list(describe_runs(chosen, document)),
        "plain": list(chosen.plain.sentences) if chosen.plain else [],
        "unsupported": list(unsupported_claims(chosen, results)),
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
            "plain": list(chosen.plain.sentences) if chosen.plain else [],
            "answer": list(answers.get(name, ())),
        }
        for name in plugins.names("studies")
        for chosen in [get_study(name)]
    ]
