"""The command line: parse options, call one function of the public API, print.

Imports everything. To add a command, add a file here and its name to `core/plugins.py`; what
commands print is in `output`.
"""
