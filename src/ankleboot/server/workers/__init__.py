"""Worker processes of the server: dispatch, supervision, wire format, and inference in a worker."""
