"""Explanations of predictions, and features of the layers.

To add an explanation method, add a function `explain(model, images, classes) -> Maps` and one line
to `core/plugins.py`. A map is finite, also where no pixel supports the class.
"""
