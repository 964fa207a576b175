"""Preprocessing: from an image file to the pixels that a network takes.

Imports core, recipes and models. To accept another image format, add it to `decode.py`; a change of
the output needs a new `PREPROCESSING_VERSION` in `preprocess.py`.
"""
