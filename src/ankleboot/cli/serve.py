"""Command `ankleboot serve`: options of the HTTP server."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click import FloatRange, IntRange

from ankleboot.cli.options import TRUST
from ankleboot.cli.output.plain import print_json, print_lines
from ankleboot.server.config import ServerConfig

if TYPE_CHECKING:
    from ankleboot.server.http.access_log import LogFormat

START_TIME = time.monotonic()
Command = TypeVar("Command", bound=Callable[..., Any])
FIELDS = {field.name: field for field in fields(ServerConfig)}


def _option(
    declaration: str, field: str, meaning: str, kind: Any = None, **attributes: Any
) -> Callable[[Command], Command]:
    """Declare an option that sets a field of ServerConfig and has its default."""
    factory = FIELDS[field].default_factory
    default = FIELDS[field].default if factory is MISSING else factory
    name = declaration.partition("/")[0].removeprefix("--")
    attributes.setdefault("envvar", f"ANKLEBOOT_{name.replace('-', '_').upper()}")
    return click.option(declaration, field, type=kind, default=default, help=meaning, **attributes)


@click.command(context_settings={"show_default": True})
@_option(
    "--model",
    "models",
    "A shipped model, a run folder, or a LiteRT, ONNX or OpenVINO file; several by repetition. The "
    "first one is the default model.",
    multiple=True,
    envvar="ANKLEBOOT_MODELS",
)
@_option("--trust", "trust", TRUST, is_flag=True)
@_option("--host", "host", "Address to listen on.")
@_option("--port", "port", "Port; 0 takes a free one.", IntRange(0, 65_535))
@_option(
    "--workers",
    "workers",
    "Number of worker processes.",
    IntRange(1, 256),
    show_default="number of cores",
)
@_option("--max-body", "max_body_bytes", "Largest request body in bytes.", IntRange(min=1_024))
@_option("--queue", "queue_size", "Number of requests that may wait for a worker.", IntRange(min=1))
@_option(
    "--timeout", "request_timeout_s", "Seconds from a request to its response.", FloatRange(min=1)
)
@_option(
    "--drain-seconds",
    "drain_s",
    "Seconds for which a stopping server still accepts connections.",
    FloatRange(min=0),
)
@_option(
    "--api-key",
    "api_key",
    "Key that clients must send. Set it as a variable: other users of the machine see arguments.",
)
@_option(
    "--allowed-host",
    "allowed_hosts",
    "Host name of the server, besides those of this machine; several by repetition.",
    multiple=True,
    envvar="ANKLEBOOT_ALLOWED_HOSTS",
    metavar="NAME",
)
@_option(
    "--rate-limit",
    "rate_limit_per_s",
    "Requests per second and client; 0 switches the limit off.",
    FloatRange(min=0),
)
@_option("--page/--no-page", "page", "Serve a web page at /.")
@_option("--v2", "v2", "Serve the open inference protocol at /v2, too.", is_flag=True)
@_option(
    "--keep-previous",
    "keep_previous",
    "Number of workers that keep the models from before a reload, ready for SIGUSR1; 0 keeps none.",
    IntRange(0, 256),
)
@click.option(
    "--log",
    "log_format",
    type=click.Choice(["json", "text", "off"]),
    default=lambda: "text" if sys.stderr.isatty() else "json",
    show_default="text on a terminal, else json",
    envvar="ANKLEBOOT_LOG",
    help="Format of the log on stderr.",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    envvar="ANKLEBOOT_JSON",
    help="Print one JSON document once the server is ready.",
)
def serve(log_format: "LogFormat", as_json: bool, **options: Any) -> None:
    """Serve an HTTP API for programs and a page for people.

    POST an image to /v1/predict; /openapi.json describes all routes. Every option has a variable,
    such as ANKLEBOOT_PORT; blanks separate the items of lists. SIGTERM stops the server after it
    has answered all accepted requests, SIGHUP reloads the models, and SIGUSR1 returns to the
    previous ones.
    """
    options["api_key"] = options["api_key"] or None  # an empty variable is no key
    run(ServerConfig(**options), log_format, as_json=as_json)


def run(config: ServerConfig, log_format: "LogFormat", *, as_json: bool) -> None:
    """Run a server, and print its URL once it is ready."""
    from ankleboot.server.http.access_log import AccessLog
    from ankleboot.server.lifecycle import serve as serve_until_signal

    def on_ready(url: str) -> None:
        document = {
            "url": url,
            "pid": os.getpid(),
            "models": list(config.models),
            "workers": config.workers,
            "ready_seconds": round(time.monotonic() - START_TIME, 2),
        }
        if as_json:
            print_json(document)
        else:
            print_lines(url)

    serve_until_signal(config, AccessLog(log_format), on_ready)
