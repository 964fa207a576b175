"""Data sets, image folders and the preprocessing of photos.

Imports core, recipes and models. To add a data set, add a file with `load(image_spec) -> Dataset`
and one line to `core/plugins.py`. To add a kind of file with images of the user's own, add a reader
to `tables` and a line to `tables/sources.py`; `image_folder` makes a data set of what it lists.
Augmentation is in `augmentation.py`, photo preprocessing in `preprocessing`.
"""
