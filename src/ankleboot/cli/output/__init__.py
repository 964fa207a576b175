"""Output of the commands: progress on stderr, tables on stdout, plain lines in a pipe."""
