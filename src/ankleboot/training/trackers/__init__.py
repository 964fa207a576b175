"""Trackers: runs logged to the tools in which people already keep theirs.

To add a tool, write a `TrainingCallback` whose `on_complete` also takes a run that was trained
elsewhere, and name it in `core/plugins.py`.
"""
