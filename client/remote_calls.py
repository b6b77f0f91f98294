"""What all calls to a server share: the way to it, and listings that come in pages."""

from collections.abc import Iterator
from typing import Protocol, TypeVar
from urllib.parse import quote, urlencode

from client.channel import Channel

Item = TypeVar("Item")

PAGE_SIZE = 10_000


class Listing(Protocol[Item]):
    """A page of a listing; `next` is null on the last."""

    @property
    def items(self) -> list[Item]:
        """What is on the page."""

    @property
    def next(self) -> str | None:
        """Where the next page begins."""


class Calls:
    """The calls of one part of the contract."""

    def __init__(self, channel: Channel) -> None:
        """Make them through `channel`; nothing is sent yet."""
        self._channel = channel
        self.server = channel.server

    def pages(
        self, path: str, kind: type[Listing[Item]], *, about: str = "", limit: int = PAGE_SIZE, **query: str
    ) -> Iterator[Item]:
        """Yield what a listing holds, a page at a time."""
        query["limit"] = str(limit)
        while True:
            page = self._channel.call("GET", f"{path}?{urlencode(query)}", kind, about=about)
            yield from page.items
            if page.next is None:
                return
            query["after"] = page.next


def quoted(text: str) -> str:
    """Return what a person typed as one segment of a path."""
    return quote(text, safe="")
