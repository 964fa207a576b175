"""Preprocessing: from a photo file to the image that a network takes."""
