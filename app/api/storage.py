"""Handler of the account of room: what takes how much, and what comes back by itself."""

from aiohttp import web

from app.api.routes import Access, Routes
from app.errors import ForbiddenError
from app.keys import ACTOR, SERVICES
from app.wire_storage import StorageReply

routes = Routes()


@routes.get("/api/v1/storage", access=Access.FILES, refuses=(ForbiddenError,))
async def get_storage(request: web.Request) -> StorageReply:
    """Tell what takes how much room; figures may be a minute old, those of the store ten."""
    return StorageReply.of(await request.app[SERVICES].storage.figures(request[ACTOR]))
