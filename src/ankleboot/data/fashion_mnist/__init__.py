"""Fashion-MNIST: its four IDX files, their sources, and the shipped sample.

To add a source, add a class with `read` to `sources.py` and to `all_sources`.
"""
