"""The typed keys under which aiohttp hands a request its surroundings."""

from aiohttp import web

from app.auth.identity import Actor
from app.services import Services

SERVICES = web.AppKey("services", Services)
ACTOR = web.RequestKey("actor", Actor)
REQUEST_ID = web.RequestKey("request_id", str)
