"""Helpers that know neither images nor models: errors, files, signals, downloads, plugins.

Imports nothing of this package. To add a variant of anything, add its import string to
`plugins.BUILT_IN`. To add a helper here, make sure that at least two packages need it.
"""
