"""Uploads that lead nowhere are closed, so that what was promised to them is free again."""

from collections.abc import Iterable
from contextlib import suppress

from client.errors import ClientError
from client.sync.seams.net import Net


def give_up(net: Net, upload_ids: Iterable[str]) -> None:
    """Close uploads, if the server can be reached; else they end by themselves after 14 days."""
    with suppress(ClientError):
        net.give_up(upload_ids)
