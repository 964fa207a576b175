"""Names of the test-time views, and the confidence below which an image gets them."""

VIEWS = ("flip", "flip-shift")
"""Views that a user can name; `inference/views.py` makes them."""

VIEWS_BELOW = 0.9
"""Default; docs/ensembles.md has what other values cost and bring."""
