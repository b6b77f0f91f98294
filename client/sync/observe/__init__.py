"""How the folder on this device becomes the local tree."""

from client.sync.observe.observer import Observer

__all__ = ["Observer"]
