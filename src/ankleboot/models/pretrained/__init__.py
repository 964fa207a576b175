"""Weights that ship with the package, with the numbers that describe them."""
