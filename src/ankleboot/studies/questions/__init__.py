"""The questions, one file each: variants, comparisons, answer, charts."""
