"""Library of the benchmark scripts: contenders, load generator, servers, statistics."""
