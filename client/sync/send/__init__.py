"""Sending: what this device has and the server lacks goes up, and changes of the tree are asked for."""

from client.sync.send.sender import Sender

__all__ = ["Sender"]
