"""Helpers without images or models: errors, files, signals, downloads, plugins.

Imports no other package of Ankleboot. To add a variant of anything, add its import string to
`plugins.BUILT_IN`. To add a helper here, make sure that at least two packages need it.
"""
