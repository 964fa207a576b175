"""Soak: hold every promise of docs/reliability.md against cases drawn by a seed, and count them.

    make soak                                 # ten minutes, all promises
    make soak MINUTES=60 SEED=7               # longer; the seed decides every case
    make soak SEED=7 ONLY=faults CASE=12      # one case again

A promise is one line in `catalog.PROMISES`. Its check iterates over `Cases`, each with randomness
of its own, so that a case can be repeated without those before it.
"""
