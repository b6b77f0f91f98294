"""Passwords, tokens, throttling."""
