"""What several tests use that is no fixture."""
