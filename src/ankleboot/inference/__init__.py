"""Predictors: images in, calibrated probabilities out, on any runtime.

Imports core, recipes, models and data. To add a runtime, add a file with a `Predictor` and name it
in an `ExportFormat` (package export).
"""
