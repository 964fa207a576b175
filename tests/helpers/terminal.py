"""Streams that pass for a terminal."""

import io
import re
import sys

import pytest

STYLES = re.compile(r"\x1b\[[0-9;]*m")


class Tty(io.StringIO):
    """Stream that passes for a terminal."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """Lines without colors and without blanks at their ends."""
        return [line.rstrip() for line in STYLES.sub("", self.getvalue()).splitlines()]


def make_terminal(patch: pytest.MonkeyPatch, width: int, name: str = "stdout") -> Tty:
    """Make stdout or stderr a terminal with colors, in a test: pytest undoes what fixtures do."""
    stream = Tty()
    for variable in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        patch.delenv(variable, raising=False)
    patch.setenv("TERM", "xterm-256color")
    patch.setenv("COLUMNS", str(width))
    patch.setattr(sys, name, stream)
    return stream
