"""Training: from a recipe and a data set to a run.

Imports everything up to evaluation (a training ends with a calibration). To add an optimizer or a
schedule, add a function and one line to `core/plugins.py`; backends of Keras are in `engines`.
"""
