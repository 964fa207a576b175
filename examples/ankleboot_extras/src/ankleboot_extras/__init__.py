"""Example extension of Ankleboot: an architecture, a data set and an export format."""
