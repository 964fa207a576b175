"""Results as Python users see them: one line, a JSON document, a table in a notebook."""

import html
from typing import Any


class Record:
    """Base of the public results; a subclass gives `summary` and `to_json`."""

    def summary(self) -> dict[str, str]:
        """Return the few figures that a reader wants first, by name."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Return everything as a JSON document."""
        raise NotImplementedError

    def __repr__(self) -> str:
        figures = ", ".join(f"{name} {value}" for name, value in self.summary().items())
        return f"{type(self).__name__}({figures})"

    def _repr_html_(self) -> str:
        """Return the summary as an HTML table; Jupyter calls this."""
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
            for name, value in self.summary().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"
