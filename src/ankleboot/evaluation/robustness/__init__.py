"""Robustness to image corruptions, and out-of-distribution detection."""
