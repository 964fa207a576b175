"""Data sets from a folder of image files: scan, checks, cache of preprocessed images."""
