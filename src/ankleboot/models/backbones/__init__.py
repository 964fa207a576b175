"""Pretrained networks for the architecture `transfer`, one file each.

To add one, add a file with a `Backbone` and one line to `core/plugins.py`.
"""
