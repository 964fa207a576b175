"""Trackers: runs told to the tools in which people already keep theirs.

To add a tool, write a `TrainingCallback` with a method `record(run)`, and name it in
`core/plugins.py`.
"""
