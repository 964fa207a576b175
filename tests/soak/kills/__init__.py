"""Processes killed at calls that the seed draws."""
