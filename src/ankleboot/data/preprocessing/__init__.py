"""Preprocessing: from an image file to the pixels that a network takes.

To accept another image format, add it to `image_formats.py`; a change of the output needs a new
`PREPROCESSING_VERSION` in `preprocess.py`.
"""
