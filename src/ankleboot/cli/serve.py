"""Command `ankleboot serve`: options of the HTTP server."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ankleboot.server.config import ServerConfig

if TYPE_CHECKING:
    from ankleboot.server.http.access_log import LogFormat

START_TIME = time.monotonic()
Command = TypeVar("Command", bound=Callable[..., Any])
FIELDS = {field.name: field for field in fields(ServerConfig)}


def _option(declaration: str, field: str, **attributes: Any) -> Callable[[Command], Command]:
    """Declare an option that sets a field of ServerConfig and has its default."""
    definition = FIELDS[field]
    factory = definition.default_factory
    default = definition.default if factory is MISSING else factory
    name = declaration.partition("/")[0].removeprefix("--")
    attributes.setdefault("envvar", f"ANKLEBOOT_{name.replace('-', '_').upper()}")
    return click.option(declaration, field, default=default, **attributes)


@click.command(context_settings={"show_default": True})
@_option(
    "--model",
    "models",
    multiple=True,
    envvar="ANKLEBOOT_MODELS",
    help="A shipped model, a run folder, or a LiteRT, ONNX or OpenVINO file; several by "
    "repetition. The first one is the default model.",
)
@_option("--host", "host", help="Address to listen on.")
@_option("--port", "port", type=click.IntRange(0, 65_535), help="Port; 0 takes a free one.")
@_option(
    "--workers",
    "workers",
    type=click.IntRange(1, 256),
    show_default="number of cores",
    help="Number of worker processes.",
)
@_option(
    "--max-body",
    "max_body_bytes",
    type=click.IntRange(min=1_024),
    help="Largest request body in bytes.",
)
@_option(
    "--queue",
    "queue_size",
    type=click.IntRange(min=1),
    help="Number of requests that may wait for a worker.",
)
@_option(
    "--timeout",
    "request_timeout_s",
    type=click.FloatRange(min=1),
    help="Seconds from a request to its response.",
)
@_option(
    "--drain-seconds",
    "drain_s",
    type=click.FloatRange(min=0),
    help="Seconds for which a stopping server still accepts connections.",
)
@_option(
    "--api-key",
    "api_key",
    help="Key that clients must send. Set it as a variable: other users of the machine see "
    "arguments.",
)
@_option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    envvar="ANKLEBOOT_ALLOWED_HOSTS",
    metavar="NAME",
    help="Host name of the server, besides those of this machine; several by repetition.",
)
@_option(
    "--rate-limit",
    "rate_limit_per_s",
    type=click.FloatRange(min=0),
    help="Requests per second and client; 0 switches the limit off.",
)
@_option("--page/--no-page", "page", help="Serve a web page at /.")
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
    has answered all accepted requests, SIGHUP reloads the models.
    """
    options["api_key"] = options["api_key"] or None  # an empty variable is no key
    run(ServerConfig(**options), log_format, as_json=as_json)


def run(config: ServerConfig, log_format: "LogFormat", *, as_json: bool) -> None:
    """Run a server, and print its URL once it is ready."""
    from ankleboot.cli.output import print_json
    from ankleboot.server.http.access_log import AccessLog
    from ankleboot.server.lifecycle import serve as serve_until_signal

    def on_ready(url: str) -> None:
        if as_json:
            print_json(
                {
                    "url": url,
                    "pid": os.getpid(),
                    "models": list(config.models),
                    "workers": config.workers,
                    "ready_seconds": round(time.monotonic() - START_TIME, 2),
                }
            )
        else:
            print(url)
        sys.stdout.flush()

    serve_until_signal(config, AccessLog(log_format), on_ready)
