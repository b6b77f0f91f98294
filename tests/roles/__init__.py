"""Processes beside the main one of a server."""
