"""Scanners of model files: names, sizes, shapes and operations, read before a runtime sees them."""
