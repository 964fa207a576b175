"""Limits that the image decoder and the server share; importing them loads no decoder."""

MAX_PIXELS = 25_000_000  # of an image; checked before the decoder allocates memory
MAX_JPEG_PIXELS = 120_000_000  # in the file; JPEG is decoded at a fraction of its size
MAX_PROGRESSIVE_PIXELS = 60_000_000  # the decoder holds 3 to 6 bytes for each of them
