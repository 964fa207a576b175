"""Text from outside, safe to show."""


def printable(text: str) -> str:
    """Show what a name hides: line breaks, control characters, marks that turn text around."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, length: int = 24) -> str:
    """At most so many characters: the begin and the end of a long name, which tell most."""
    if len(text) <= length:
        return text
    return f"{text[: length - length // 3 - 3]}...{text[-(length // 3) :]}"
