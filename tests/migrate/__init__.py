"""Chunks that move to another store while people work."""
