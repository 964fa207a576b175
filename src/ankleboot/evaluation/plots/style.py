"""Colors that figures share: readable on white and on black, apart for the color-blind."""

TRAIN_COLOR, VALIDATION_COLOR, BEST_COLOR = "#1f5fa8", "#d9622b", "#777777"
WORST = ("#d9622b", "#1f5fa8", "#3f8f4f", "#8a5fb0")  # classes that a figure is about
PALETTE = ("#777777", "#1f5fa8", "#5aa0d8", "#d9622b", "#3f8f4f", "#8a5fb0", "#b08a2f")
