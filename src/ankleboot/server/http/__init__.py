"""HTTP side of the server: listener, protocol, middleware, access log, metrics."""
