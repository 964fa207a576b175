"""Concept questions answered by experiments.

Imports everything up to export. To add a study, add a file to `questions` and one line to
`core/plugins.py`; what a run is measured by is in `measures`.
"""
