"""Explanations: which pixels speak for a prediction, and what the layers hold."""
