"""Metrics of predictions, comparisons, explanations, robustness, plots and the report.

Imports everything above training. To add a metric, explanation or corruption, add a function and
one line to `core/plugins.py`; plots are in `plots`, the HTML report in `report`.
"""
