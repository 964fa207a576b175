"""Metrics of predictions, comparisons, explanations, robustness, plots, the report, adoption.

Imports everything above training. To add a metric, explanation or corruption, add a function and
one line to `core/plugins.py`; plots are in `plots`, the HTML report in `report`. `adoption`
measures how a foreign model takes images.
"""
