"""Optimizers, one file for each family."""
