"""Robustness to image corruptions, and detection of images outside the classes.

To add a corruption, add a function `corrupt(images, severity, rng) -> images` and one line to
`core/plugins.py`.
"""
