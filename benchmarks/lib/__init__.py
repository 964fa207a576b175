"""Library of the benchmark scripts: baselines, load generator, server processes, statistics."""
