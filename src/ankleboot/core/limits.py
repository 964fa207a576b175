"""Limits that the image decoder and the server share; importing them loads nothing else."""

MAX_PIXELS = 25_000_000  # of one image; checked before the decoder allocates memory for it
