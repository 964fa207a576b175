"""Worker processes of the server, and the pool that starts, feeds and restarts them."""
