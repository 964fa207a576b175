"""Speed and cost, measured in fresh processes and beside peers in the same run."""
