"""Processes beside the main one of a server: what they do, and how the two speak (decision 0045)."""
