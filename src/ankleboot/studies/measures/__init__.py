"""Measurements of a trained network beyond its accuracy, one kind a file."""
