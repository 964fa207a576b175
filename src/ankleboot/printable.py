"""Text from outside, safe to show."""


def printable(text: str) -> str:
    """Show what a name hides: line breaks, control characters, marks that turn text around."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
