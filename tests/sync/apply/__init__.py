"""Applying to this device: on the real disk, and with a real server."""
