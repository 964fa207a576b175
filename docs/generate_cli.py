"""Write docs/cli.md from the commands themselves; with --check, only say whether it is stale.

python docs/generate_cli.py [--check]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ankleboot.cli.main import cli

PAGE = Path(__file__).parent / "cli.md"
HEAD = "# The command line\n\nWritten by `make docs` from `--help`; do not edit.\n"


def pages(command: click.Command, path: list[str]) -> Iterator[str]:
    """The help of a command and of every command below it."""
    context = click.Context(
        command, info_name=" ".join(path), terminal_width=90, max_content_width=90
    )
    context.help_option_names = ["-h", "--help"]
    yield f"\n## {' '.join(path)}\n\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if below := command.get_command(context, name):
                yield from pages(below, [*path, name])


def text() -> str:
    """The whole page."""
    return HEAD + "".join(pages(cli, ["ankleboot"]))


def main() -> int:
    """Write or check; the exit code says whether all is well."""
    if "--check" in sys.argv[1:]:
        if PAGE.is_file() and PAGE.read_text() == text():
            return 0
        print("docs/cli.md is stale: run make docs", file=sys.stderr)
        return 1
    PAGE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
