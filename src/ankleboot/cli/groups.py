"""Groups of commands and of options, and what their help and their errors say."""

import difflib
from collections.abc import Sequence

import click

from ankleboot.core.text import near_name

WHOLE = 10_000  # characters; no summary of a command is longer
EXTRA = "Got unexpected extra argument"  # how click begins this message

MEANINGS = {
    "MODEL": "a run folder, a model file, or a shipped model such as pretrained",
    "adopt MODEL": "a model file of another tool",
    "RUN": "a run folder; ankleboot runs list shows them",
    "PATH": "an image file, a folder of them, or - for standard input",
    "IMAGE": "an image file, or the number of an image of the data, such as test:17",
    "RECIPE": "a recipe; ankleboot recipes lists them",
    "DATA": "an image folder, a table of images, or fashion-mnist",
    "FOLDER": "a folder of images",
    "SOURCE": "an image folder or a table of images",
    "DESTINATION": "a file or folder to write",
}
"""Meanings of arguments, which click declares without a help text, of one command or of all."""


class Group(click.Group):
    """Group whose help has the whole summary of each command; click cuts long ones."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; the refusal of an unknown one has the nearest name."""
        name = args[0]  # click knows none of the names, since commands are imported when needed
        is_option = name.startswith("-")
        if not (is_option or ctx.resilient_parsing) and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {name!r}{near_name(name, self.list_commands(ctx))}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their summaries, which the formatter wraps."""
        named = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(WHOLE))
            for name, command in named
            if command and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class DataOption(click.Option):
    """Option that selects the images and how they are loaded."""


class DataCommand(click.Command):
    """Command whose help has the options about the data in a section of their own."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in two sections."""
        for title, is_about_data in (("Options", False), ("Options for the data", True)):
            records = [
                parameter.get_help_record(ctx)
                for parameter in self.get_params(ctx)
                if not isinstance(parameter, click.Argument)  # which the usage line names
                and isinstance(parameter, DataOption) == is_about_data
            ]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record])


def usage_message(error: click.ClickException, arguments: Sequence[str]) -> str:
    """Return the message of a slip in the arguments, with the help that explains them."""
    message = error.format_message()
    context = error.ctx if isinstance(error, click.UsageError) else None
    if isinstance(error, click.MissingParameter) and context and error.param:
        message = f"{message.rstrip('.')}: {_meaning(error.param, context)}"
    if context and isinstance(error, click.NoSuchOption):
        if field := _field_like(error, context):
            value = _value(error.option_name, arguments)
            message = f"{error.message} A recipe's fields are set like this: --set {field}={value}"
    elif context and message.startswith(EXTRA) and "--model" in _options_of(context.command):
        message = f"{message}. A model is named like this: --model MODEL"
    return f"{message} (see {context.command_path if context else 'ankleboot'} --help)"


def _meaning(parameter: click.Parameter, context: click.Context) -> str:
    """Return what a missing parameter stands for."""
    if isinstance(parameter, click.Option):
        return (parameter.help or "").rstrip(".")
    name = parameter.make_metavar(context).rstrip(".").partition(" ")[0]
    return MEANINGS.get(f"{context.info_name} {name}") or MEANINGS[name]


def _options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def _field_like(error: click.NoSuchOption, context: click.Context) -> str | None:
    """Return the field of a recipe that a user took for an option; None if there is none."""
    if not any(parameter.name == "settings" for parameter in context.command.params):
        return None
    from ankleboot.recipes.recipe import OPTIONS

    written = error.option_name.lstrip("-").replace("-", "_")
    cutoff = 1.0 if error.possibilities else 0.8  # similar options come before similar fields
    return next(iter(difflib.get_close_matches(written, OPTIONS, n=1, cutoff=cutoff)), None)


def _value(option: str, arguments: Sequence[str]) -> str:
    """Return the value behind an option, or a word that stands for it."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        name, equals, value = argument.partition("=")
        if name == option and equals:
            return value
        if name == option and following and not following.startswith("--"):
            return following
    return "VALUE"
