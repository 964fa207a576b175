"""Help texts are whole, and slips in the arguments show the way."""

from collections.abc import Iterator

import click
import pytest

from ankleboot.cli.main import cli
from ankleboot.cli.main import run as ankleboot

GROUPS = ("", "bench", "data", "runs")


def group_of(name: str) -> click.Group:
    found = cli if not name else cli.get_command(click.Context(cli), name)
    assert isinstance(found, click.Group)
    return found


def commands_of(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield name, command


def joined(text: str) -> str:
    """Return a text without line breaks, which may follow hyphens as well."""
    return " ".join(text.split()).replace("- ", "-")


def test_all_groups_are_checked() -> None:
    found = [name for name, command in commands_of(cli) if isinstance(command, click.Group)]
    assert sorted(found) == sorted(GROUPS[1:])


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("name", GROUPS)
def test_the_summary_of_a_command_is_never_cut(name: str, width: int) -> None:
    group = group_of(name)
    context = click.Context(group, info_name="x", max_content_width=width, terminal_width=width)
    text = group.get_help(context)
    listed = text[text.index("Commands:") :]
    assert "..." not in listed and max(map(len, text.splitlines())) <= width
    words = joined(listed)
    for command_name, command in commands_of(group):
        summary = (command.help or "").strip().partition("\n\n")[0]
        first = joined(summary).partition(". ")[0]
        assert f"{command_name} {first.rstrip('.')}" in words


@pytest.mark.parametrize("width", [60, 80])
def test_no_option_is_cut(width: int) -> None:
    for _, command in commands_of(cli):
        context = click.Context(
            command, info_name="x", max_content_width=width, terminal_width=width
        )
        text = joined(command.get_help(context))
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.help and not parameter.hidden:
                assert joined(parameter.help) in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train plain --epochs 3", "--set epochs=3 (see ankleboot train --help)"),
        ("train plain --learning-rate=0.1", "--set learning_rate=0.1 (see"),
        ("train plain --epoch 3", "--set epochs=3 (see"),
        ("train plain --epochs", "--set epochs=VALUE (see"),
        ("train plain --optimizer adam", "--set optimizer=adam (see"),
        ("tune plain --epochs 3", "--set epochs=3 (see ankleboot tune --help)"),
    ],
)
def test_a_field_given_as_an_option_is_hinted_at(
    arguments: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ankleboot(arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert captured.err.startswith("error: No such option '--") and message in captured.err


@pytest.mark.parametrize("arguments", ["evaluate x --epochs 3", "train plain --zzz 3", "--epochs"])
def test_other_unknown_options_get_no_such_hint(
    arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ankleboot(arguments.split()) == 2
    assert "--set" not in capsys.readouterr().err


def test_verbose_and_json_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ("evaluate x", "export x --format onnx", "train plain"):
        assert ankleboot([*arguments.split(), "--json", "-v"]) == 2
        assert "leave --verbose out" in capsys.readouterr().err
