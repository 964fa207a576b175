"""Entry point of the command line: find the command, run it, turn errors into exit codes.

Every command is a shell over the Python function of the same name, in a file of its own. Heavy
modules are imported inside the commands, so that `--help` does not wait for TensorFlow.
"""

import io
import os
import signal
import sys
from contextlib import suppress

import click

from ankleboot import __version__
from ankleboot.cli.groups import Group, usage_message
from ankleboot.cli.output.plain import print_lines
from ankleboot.core import plugins
from ankleboot.core.errors import AnklebootError, EnvironmentFailure, UsageError
from ankleboot.core.extras import needed_extra
from ankleboot.core.last_resort import describe_unexpected, exit_code_of
from ankleboot.core.signals import received_signal
from ankleboot.core.tensorflow_settings import use_backend


def main() -> None:
    """Run the command line; an AnklebootError or a slip in the arguments is one line on stderr."""
    use_backend(os.environ.get("ANKLEBOOT_BACKEND", "tensorflow"))
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "w"))
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper):  # a console need not know every character
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    try:
        with cli.make_context("ankleboot", arguments) as context:  # cli.main would exit on its own
            cli.invoke(context)
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as finished:  # after --help and --version
        return finished.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        print_lines(*(error.ctx.get_help() if error.ctx else "").splitlines(), to_stderr=True)
        return UsageError.exit_code
    except click.ClickException as error:
        return _fail(usage_message(error, arguments), UsageError.exit_code)
    except AnklebootError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 128 + signal.SIGINT)
    except BrokenPipeError:  # the reader (head, say) has seen enough
        _drop_output()
        return 0
    except ModuleNotFoundError as error:
        return _fail_without(error)
    except Exception as error:
        if received_signal():
            return _fail("interrupted", 128 + signal.SIGINT)
        if isinstance(error, OSError) and not error.filename:
            _drop_output()  # it may be stdout that failed, and would fail again at exit
        return _fail(describe_unexpected(error), exit_code_of(error))


def _fail_without(error: ModuleNotFoundError) -> int:
    """Name the extra that brings a missing module."""
    if message := needed_extra(error.name or ""):
        return _fail(message, EnvironmentFailure.exit_code)
    return _fail(describe_unexpected(error), exit_code_of(error))


def _drop_output(name: str = "stdout") -> None:
    """Let what is still buffered go nowhere; Python would complain about it at exit."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), getattr(sys, name).fileno())


def _fail(message: str, code: int) -> int:
    if signum := received_signal():  # which caused the failure
        message, code = "interrupted", 128 + signum
    try:
        print_lines(f"error: {' '.join(message.split())}", to_stderr=True)
    except OSError:  # full, or closed by its reader; the exit code tells all the same
        _drop_output("stderr")
    return code


class Commands(Group):
    """Commands by name, each imported when it is asked for; packages add theirs by entry points."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(plugins.names("commands"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        is_known = cmd_name in plugins.names("commands")
        return plugins.resolve("commands", cmd_name) if is_known else None


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ankleboot")
def cli() -> None:
    """Train, judge, explain and ship clothing classifiers on Fashion-MNIST.

    \b
    First steps:
      ankleboot predict PHOTO    label a photo
      ankleboot train sprint     train a network in seconds
      ankleboot train transfer --data FOLDER
                                 learn classes of your own
      ankleboot serve            open a page and an API

    Exit codes: 0 ok, 1 fault of Ankleboot, 2 usage, 3 bad data, 4 refused or bad model,
    5 environment (disk, network, permission), 6 training diverged, 129 SIGHUP, 130 SIGINT,
    143 SIGTERM.
    """  # noqa: D301 - \b is the character that makes click keep the lines
