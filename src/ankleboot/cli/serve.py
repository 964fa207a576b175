"""`ankleboot serve`: an API and a page."""

from __future__ import annotations

import os
import sys
import time
from typing import Literal

import click

BEGAN = time.monotonic()


@click.command(context_settings={"auto_envvar_prefix": "ANKLEBOOT", "show_default": True})
@click.option(
    "--model",
    "models",
    multiple=True,
    default=("pretrained", "zero-shot"),
    envvar="ANKLEBOOT_MODELS",
    help="A shipped model, a run folder, or a LiteRT, ONNX or OpenVINO file; several by "
    "repetition. The first one answers where none is asked for.",
)
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, help="0: a free one.")
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=lambda: os.cpu_count() or 1,
    show_default="number of cores",
    help="Processes that answer.",
)
@click.option(
    "--max-body", type=click.IntRange(min=1_024), default=20 * 2**20, help="Bytes of a request."
)
@click.option("--queue", type=click.IntRange(min=1), default=256, help="Requests that may wait.")
@click.option(
    "--timeout", type=click.FloatRange(min=1), default=10.0, help="Seconds until an answer."
)
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    default=0.5,
    help="Seconds in which a stopping server still accepts.",
)
@click.option(
    "--api-key",
    help="That callers must send. Better as the variable: others on the machine see arguments.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    envvar="ANKLEBOOT_ALLOWED_HOSTS",
    metavar="NAME",
    help="A name by which the server may be called; several by repetition.",
)
@click.option(
    "--rate-limit",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Requests per second of one client; 0: any number.",
)
@click.option("--page/--no-page", default=True, help="Whether there is a web page at /.")
@click.option(
    "--log",
    type=click.Choice(["json", "text", "off"]),
    default=lambda: "text" if sys.stderr.isatty() else "json",
    show_default="text on a terminal, else json",
    help="Lines on stderr.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document once it serves.")
def serve(
    models: tuple[str, ...],
    host: str,
    port: int,
    workers: int,
    max_body: int,
    queue: int,
    timeout: float,
    drain: float,
    api_key: str | None,
    allowed_hosts: tuple[str, ...],
    rate_limit: float,
    page: bool,
    log: Literal["json", "text", "off"],
    as_json: bool,
) -> None:
    """Answer over HTTP: an API for programs, a page for people.

    POST a picture to /v1/predict; /openapi.json describes all routes. Every option can be given as
    a variable, too: ANKLEBOOT_PORT and so on; lists are separated by blanks. SIGTERM ends the
    server once it has answered what it accepted, SIGHUP lets it read the models anew.
    """
    from ankleboot import console
    from ankleboot.server.journal import Journal
    from ankleboot.server.serve import serve as run
    from ankleboot.server.settings import Settings

    settings = Settings(
        models=models,
        host=host,
        port=port,
        workers=workers,
        max_body=max_body,
        queue=queue,
        timeout=timeout,
        drain=drain,
        api_key=api_key or None,
        allowed_hosts=allowed_hosts,
        rate_limit=rate_limit,
        page=page,
    )

    def started(url: str) -> None:
        if as_json:
            seconds = round(time.monotonic() - BEGAN, 2)
            console.print_json(
                {
                    "url": url,
                    "pid": os.getpid(),
                    "models": list(models),
                    "workers": workers,
                    "ready_seconds": seconds,
                }
            )
        else:
            print(url)
        sys.stdout.flush()

    run(settings, Journal(log), started)
