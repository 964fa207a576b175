"""Models that other tools made: scan, examine and convert their files in a process with limits."""
