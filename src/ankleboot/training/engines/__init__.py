"""Engines: compiled training steps, one file for each backend of Keras."""
