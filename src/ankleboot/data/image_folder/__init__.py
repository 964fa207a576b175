"""Image folders as data sets: scan, cache of preprocessed images, report of faults.

The suffixes of image files are those of `preprocessing/image_formats.py`.
"""
