"""The device: its parts by themselves, and its commands against a real server."""
