"""Limits that the image decoder and the server share; importing them loads no decoder."""

MAX_PIXELS = 25_000_000  # of an image; checked before the decoder allocates memory
