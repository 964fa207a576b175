"""Measures of a trained run, one kind per file; only child processes import them.

Imports models, inference, evaluation and training. To add a measure, see `load`.
"""
