"""What a credential that may only put files in would ask of the services, if a route let it come there.

Today only drop links are such, and their routes refuse all this before. The services refuse it as well.
"""

from collections.abc import Awaitable, Callable

from app.auth.identity import Actor
from app.db.transaction import Snapshot
from app.keys import Services
from app.listing import Place
from app.services.feed_view import Asked
from app.services.resources import Wants
from app.services.search import Wanted

Dropper = Callable[[Services, Actor, str, str], Awaitable[object]]
"""Asks about a file and the folder that it is in."""


def _check(tx: Snapshot) -> None:
    """Refuse nothing."""


async def _zip(services: Services, actor: Actor, file_id: str, folder_id: str) -> None:
    async with services.archives.open("dropper", actor, [folder_id], _check):
        pass


async def _watch(services: Services, actor: Actor, file_id: str, folder_id: str) -> None:
    news = services.feed.watch(actor, Asked(None), alive_s=1, is_gone=lambda: False)
    await anext(news)
    await news.aclose()


DROPPERS: dict[str, Dropper] = {
    "a file": lambda services, actor, file_id, _: services.tree.get(actor, file_id),
    "a listing": lambda services, actor, _, folder_id: services.tree.children(
        actor, folder_id, sort="name", order="asc", after=None, limit=1
    ),
    "a manifest": lambda services, actor, file_id, _: services.downloads.manifest(actor, file_id, None, 0),
    "a zip": _zip,
    "a copy": lambda services, actor, file_id, folder_id: services.copies.copy(actor, file_id, folder_id, "copy"),
    "the members": lambda services, actor, _, folder_id: services.sharing.list_members(actor, folder_id),
    "a rule of retention": lambda services, actor, _, folder_id: services.retention.get(actor, folder_id),
    "a resource": lambda services, actor, *_: services.resources.look(actor, ()),
    "more of a folder": lambda services, actor, _, folder_id: services.resources.more(
        actor, folder_id, Place(is_folder=True, key="", name=""), Wants(), limit=1
    ),
    "bytes by path": lambda services, actor, *_: services.downloads.content_at(actor, ()),
    "a search": lambda services, actor, _, folder_id: services.search.find(
        actor, Wanted("name"), folder_id=folder_id, before=None, limit=1
    ),
    "the feed": _watch,
}
