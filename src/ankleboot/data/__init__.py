"""Data sets, image folders and the preprocessing of photos.

Imports core, recipes and models. To add a data set, add a file with `load(image_spec) -> Dataset`
and one line to `core/plugins.py`. Augmentation is in `augmentation.py`, photo preprocessing in
`preprocessing`.
"""
