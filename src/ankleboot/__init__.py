"""Ankleboot: train, judge, explain and ship clothing classifiers on Fashion-MNIST.

A Recipe makes a Run; a Predictor (images to probabilities) makes an Evaluation; all else is a view
of these. Importing the package defines names and does nothing else: TensorFlow is imported by the
modules that need it (`ankleboot.models.architectures`, `ankleboot.engine`, `ankleboot.training.trainer`).
"""

__version__ = "0.1.0.dev0"
