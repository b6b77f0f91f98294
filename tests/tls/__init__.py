"""TLS of the server's own (security.md, E1)."""
