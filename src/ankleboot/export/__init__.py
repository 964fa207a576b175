"""Export formats: a trained model as a file of another runtime, verified against Keras.

Imports everything up to training. To add a format, add a file with an `ExportFormat` (writer,
loader and parity limits together) and one line to `core/plugins.py`.
"""
