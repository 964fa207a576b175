"""What a power cut may leave of a training."""
