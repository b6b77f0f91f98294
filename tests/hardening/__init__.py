"""A server that cannot be pushed over (security.md, H and Limits)."""
