"""Fuzzing of everything that reads data from outside: seeds, mutations, readers and a watchdog."""
