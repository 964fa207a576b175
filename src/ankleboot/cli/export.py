"""`ankleboot export`: write a model for another runtime."""

import shlex
from pathlib import Path

import click

from ankleboot.cli import options
from ankleboot.cli.groups import DataCommand
from ankleboot.cli.plugin_name import PluginName
from ankleboot.core import plugins
from ankleboot.core.errors import UsageError


def _refuse_views(_context: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value is not None:
        raise UsageError(
            "a file takes every image through the same network, so it cannot choose images for "
            "further views; export without --views, and give the option to evaluate or predict"
        )


@click.command(cls=DataCommand)
@click.argument("model", type=options.PATH)
@click.option(
    "--format",
    "format_name",
    required=True,
    type=PluginName("formats"),
    help=f"{', '.join(plugins.names('formats'))}, or package.module:attribute.",
)
@options.ensemble_option
@click.option("--views", hidden=True, expose_value=False, callback=_refuse_views)
@options.output_option("File or folder to write. [default: in RUN/exports, or in exports]")
@options.data_option
@options.verbose_option("Print the differences of the probabilities and the latency as well.")
@options.json_option
def export(
    model: Path,
    format_name: str,
    further: tuple[Path, ...],
    output: Path | None,
    data_choice: options.DataOptions,
    verbose: bool,
) -> options.Result:
    """Write MODEL for another runtime, and verify that its predictions are the same.

    MODEL is a run folder, a .keras file or "pretrained". The file takes uint8 pixels and returns
    calibrated probabilities. It is loaded again and compared with the original on the whole test
    split, or on the validation images of data without one. A file that differs by more than the
    format's limits is removed; the exit code is 4. An adopted .tflite or .onnx file cannot be
    converted: it is copied in its own format, with its convention in the metadata.
    The file of an ensemble holds all members; litert-micro, web and playground hold one network.
    The network of web is in int8 where that is as accurate; web-float32 writes float32 always.
    """
    from ankleboot.cli.output.prediction import export_result
    from ankleboot.cli.output.progress import working
    from ankleboot.evaluation.ensemble import join_models
    from ankleboot.export.export import export_model
    from ankleboot.inference.load import resolve_model

    data_choice.check_name()
    with working("export"):
        joined = join_models(resolve_model(model), further, data_choice.named)
        result = export_model(joined, format_name, output, data_choice.load)
    following = _next_command(result.path, format_name)
    return result.to_json(), lambda: export_result(result, following=following, verbose=verbose)


def _next_command(path: Path, format_name: str) -> str:
    """Return the command that uses an exported file, or shows an exported page."""
    name = shlex.quote(str(path))
    if format_name == "playground":
        return f"python -m webbrowser {shlex.quote((path / 'index.html').resolve().as_uri())}"
    if format_name in ("web", "web-float32"):
        return f"python -m http.server 8080 --bind 127.0.0.1 --directory {name}"
    return f"ankleboot predict --model {name} IMAGE"
