"""The commands of the documents exist with these options, and those of the how-tos work."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import click
import pytest

from ankleboot.cli.main import cli
from helpers.images import write_image_folder

ROOT = Path(__file__).parents[2]
HOW_TO = (ROOT / "docs/how_to.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ENDLESS = ("ankleboot label", "ankleboot serve", "python -m http.server", "curl")
SHORTER = {"train transfer": "train plain --set epochs=2", "--seeds 4": "--seeds 2"}
"""What a test of minutes trains in place of the commands' recipes and seeds."""


def commands_in(page: str) -> Iterator[str]:
    """Yield the lines of code blocks that call `ankleboot`."""
    for block in re.findall(r"^```(?:bash)?\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(r"ankleboot [a-z]", line):
                yield line


def parse(line: str) -> None:
    """Parse a command; an unknown command or option is an error, a missing file is none."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    arguments = list(takewhile(lambda word: word not in {">", "|", "&&"}, lexer))[1:]
    command: click.Command = cli
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        context = click.Context(command)
        _, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command = found
    command.make_parser(click.Context(command)).parse_args(arguments)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_commands_of_a_page_parse(path: Path) -> None:
    for line in commands_in(path.read_text()):
        try:
            parse(line)
        except click.UsageError as error:
            pytest.fail(f"{line}: {error.format_message()}")


def test_an_unknown_option_is_found() -> None:
    with pytest.raises(click.NoSuchOption):
        parse("ankleboot train sprint --epoch 3")
    parse("ankleboot runs list --where 'seed>0' | head  # two")
    assert list(commands_in("```bash\nankleboot runs\n```\n")) == ["ankleboot runs"]


def test_there_are_twenty_questions_with_commands_and_a_link() -> None:
    questions = re.split(r"^### ", HOW_TO, flags=re.MULTILINE)[1:]
    assert len(questions) == 20
    for question in questions:
        title, _, rest = question.partition("\n")
        code = re.findall(r"^```bash\n(.*?)^```", rest, re.MULTILINE | re.DOTALL)
        assert "?" in title and len(code) == 1, title
        assert 1 <= len(code[0].splitlines()) <= 6, title
        assert re.search(r"\]\(\w+\.md", rest), title


@pytest.mark.slow
def test_the_commands_of_the_how_tos_work(tmp_path: Path) -> None:
    prepare(tmp_path)
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    code = "".join(re.findall(r"^```bash\n(.*?)^```", HOW_TO, re.MULTILINE | re.DOTALL))
    for long, short in SHORTER.items():
        assert long in code
        code = code.replace(long, short)
    for line in code.splitlines():
        if line.startswith(ENDLESS):
            continue
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env={**os.environ, "PATH": paths},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    for made in ("steps/boot.png", "sorted/predictions.csv", "audit/audit.json", "page/index.html"):
        assert (tmp_path / made).is_file(), made


def prepare(folder: Path) -> None:
    """Write what the how-tos take for granted: photos, folders, a table, a Keras model."""
    shutil.copyfile(ROOT / "docs/images/pullover.jpg", folder / "boot.jpg")
    (folder / "photos").mkdir()
    shutil.copyfile(folder / "boot.jpg", folder / "photos/1.jpg")
    write_image_folder(folder / "pets", {"cat": 12, "dog": 12})
    write_image_folder(folder / "pets_and_hens", {"cat": 12, "dog": 12, "hen": 12}, seed=1)
    write_image_folder(folder / "new_photos", {"cat": 3, "dog": 3}, seed=2)
    write_image_folder(folder / "kaggle/train", {"cat": 12, "dog": 12}, seed=3)
    write_image_folder(folder / "mixed", {"cat": 4, "dog": 4}, seed=4)
    shutil.copytree(folder / "new_photos/cat", folder / "kaggle/test")
    rows = [f"mixed/{kind}/{n}.png,{kind}\n" for kind in ("cat", "dog") for n in range(4)]
    (folder / "labels.csv").write_text("path,label\n" + "".join(rows))
    keras_model(folder / "mine.keras")


def keras_model(path: Path) -> None:
    """Train a model as a tutorial does, in a process of its own."""
    script = (ROOT / "tests/docs/tutorial_model.py").read_text()
    subprocess.run([sys.executable, "-c", script, path], check=True, capture_output=True)
