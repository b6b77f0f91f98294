"""The commands a person types."""

from client.cli.main import main

__all__ = ["main"]
