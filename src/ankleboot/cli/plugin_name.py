"""Names of variants as values of options: metrics, formats, explanations, trackers."""

from typing import Any

import click

from ankleboot.core import plugins


class PluginName(click.ParamType[str]):
    """Name of a variant, refused while the options are read: before TensorFlow is imported.

    Args:
        kind: Key of `plugins.BUILT_IN`.
    """

    name = "text"

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ARG002
        plugins.check_name(self._kind, value)
        return value
