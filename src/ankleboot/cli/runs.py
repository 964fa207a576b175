"""`ankleboot runs`: list, show, compare, rank and remove runs."""

from __future__ import annotations

from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.cli.groups import Group
from ankleboot.core.errors import UsageError
from ankleboot.core.text import counted

FORMATS = ("table", "csv", "markdown", "latex")

folder_argument = click.argument("folder", type=options.FOLDER, default="runs")
where_option = click.option(
    "--where",
    "conditions",
    metavar="CONDITION",
    multiple=True,
    help="Take runs for which this holds, such as recipe=sprint, validation_accuracy>=0.92, "
    "run~night or state!=complete; may be repeated.",
)
format_option = click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="Form of the table; csv has all digits.",
)


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def runs(context: click.Context) -> None:
    """List, show, compare, rank and remove runs.

    Without a command, list the runs in the folder runs.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_command)


@runs.command("list")
@folder_argument
@where_option
@click.option(
    "--sort",
    "order",
    metavar="COLUMN",
    multiple=True,
    help="Order by a column, -COLUMN from the largest down; may be repeated. [default: the name]",
)
@click.option(
    "--columns",
    metavar="NAME,NAME",
    help="Columns to show; `all` for those in which the runs have values. --list-columns explains "
    "them.",
)
@click.option("--keep-columns", is_flag=True, help="Show these columns of this folder from now on.")
@click.option("--list-columns", is_flag=True, help="List the columns with their meaning.")
@click.option("--no-index", is_flag=True, help="Read every run folder anew.")
@format_option
@options.json_option
def list_command(
    folder: Path,
    conditions: tuple[str, ...],
    order: tuple[str, ...],
    columns: str | None,
    keep_columns: bool,
    list_columns: bool,
    no_index: bool,
    format_name: str,
) -> options.Result:
    """List the runs in FOLDER, filtered and sorted."""
    from ankleboot.cli.output import runs as output
    from ankleboot.models.run_list.index import list_runs
    from ankleboot.models.run_list.query import select_runs
    from ankleboot.models.run_list.saved_columns import load_columns, save_columns

    if list_columns:
        meanings = output.column_meanings()
        return meanings, lambda: output.column_list(meanings)
    if keep_columns and columns is None:
        raise UsageError("--keep-columns goes with --columns")
    rows = list_runs(folder, use_index=not no_index)
    chosen = select_runs(rows, conditions, order)
    names = output.choose_columns(columns, chosen) if columns else load_columns(folder)
    if keep_columns:
        save_columns(folder, names)
    document = {"folder": str(folder), "num_runs": len(rows), "runs": [dict(row) for row in chosen]}
    return document, lambda: output.run_table(chosen, names, format_name, len(rows))


@runs.command()
@click.argument("run", type=options.FOLDER)
@options.json_option
def show(run: Path) -> options.Result:
    """Show the content of all files of RUN, and the runs that refer to it."""
    from ankleboot.cli.output.runs import run_details
    from ankleboot.models.run import load_run
    from ankleboot.models.run_list.columns import read_row
    from ankleboot.models.run_list.index import list_runs
    from ankleboot.models.run_list.prune import folder_bytes, list_references

    load_run(run)
    row = read_row(run)
    neighbours = list_runs(run.resolve().parent)
    references = list_references(run, neighbours)
    document = dict(row) | {"bytes": folder_bytes(run), "referred_to_by": references}
    return document, lambda: run_details(document)


@runs.command()
@click.argument("folders", metavar="RUN RUN...", type=options.FOLDER, nargs=-1, required=True)
@format_option
@options.json_option
def diff(folders: tuple[Path, ...], format_name: str) -> options.Result:
    """Show the columns in which the RUNs differ, recipe and results.

    `ankleboot compare` tests which model is better.
    """
    from ankleboot.cli.output.runs import difference_table
    from ankleboot.models.run import load_run
    from ankleboot.models.run_list.columns import read_row

    if len(folders) < 2:
        raise UsageError("name two or more runs")
    for folder in folders:
        load_run(folder)
    rows = [read_row(folder) for folder in folders]
    names = [name for name in rows[0] if len({row[name] for row in rows}) > 1]
    document = {name: [row[name] for row in rows] for name in names}
    return document, lambda: difference_table(document, format_name)


@runs.command()
@folder_argument
@where_option
@click.option(
    "--metric",
    default="validation_accuracy",
    show_default=True,
    help="Column with numbers; of losses, seconds and parameters the smallest is best.",
)
@format_option
@options.json_option
def leaderboard(
    folder: Path, conditions: tuple[str, ...], metric: str, format_name: str
) -> options.Result:
    """Rank the recipes in FOLDER by the mean of a metric over their seeds.

    Choose by validation images: who chooses by test images has no honest figure left.
    """
    from ankleboot.cli.output.runs import standings_table
    from ankleboot.evaluation.leaderboard import rank_groups
    from ankleboot.models.run_list.index import list_runs
    from ankleboot.models.run_list.query import select_runs

    standings = rank_groups(select_runs(list_runs(folder), conditions), metric)
    document = [standing.to_json() for standing in standings]
    return document, lambda: standings_table(standings, metric, format_name)


@runs.command()
@folder_argument
@where_option
@click.option("--yes", is_flag=True, help="Remove without asking.")
@click.option("--dry-run", is_flag=True, help="List what would be removed, and remove nothing.")
@options.json_option
def prune(folder: Path, conditions: tuple[str, ...], yes: bool, dry_run: bool) -> options.Result:
    """Remove runs in FOLDER for which every --where holds; asks before.

    A run stays if another one started from it or was taught by it, if a process trains in it, or
    if other folds of its cross-validation stay.
    """
    from ankleboot.cli.output.runs import prune_plan, pruned
    from ankleboot.models.run_list.index import list_runs
    from ankleboot.models.run_list.prune import plan_prune, remove_runs
    from ankleboot.models.run_list.query import select_runs

    if not conditions:
        raise UsageError("choose runs with --where, such as --where 'state!=complete'")
    rows = list_runs(folder)
    plan = plan_prune(rows, select_runs(rows, conditions))
    document = plan.to_json() | {"removed": False}
    if dry_run or not plan.folders:
        return document, lambda: prune_plan(plan)
    if not yes:
        prune_plan(plan)
        _confirm(len(plan.folders))
    remove_runs(plan)
    return document | {"removed": True}, lambda: pruned(plan)


def _confirm(count: int) -> None:
    """Ask on the terminal.

    Raises:
        UsageError: If there is no terminal, or the answer is not yes.
    """
    import sys

    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to ask on; pass --yes to remove, or --dry-run to list"
        )
    if not click.confirm(f"Remove {counted(count, 'folder')}?", err=True):
        raise UsageError("nothing was removed")
