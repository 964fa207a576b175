"""Processes that meet at one file, in an order that the seed decides."""
