"""Training: from a recipe and a data set to a run.

Imports all packages up to evaluation, because training ends with a calibration. To add an optimizer
or a schedule, add a function and one line to `core/plugins.py`. `engines` holds the compiled steps
for each backend of Keras.
"""
