"""Every call of files fails once, under every command that writes."""
