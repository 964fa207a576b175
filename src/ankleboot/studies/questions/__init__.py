"""The questions, one file each: variants, comparisons, answer, charts.

Imports neither TensorFlow nor matplotlib at the top, so that listing the studies stays fast.
"""
