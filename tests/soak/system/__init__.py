"""What a case needs of the system: faults in calls of files, and commands in forked processes."""
