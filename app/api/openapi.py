"""Handler of the published contract: the same for everybody, made once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

import msgspec
from aiohttp import web

from app.api.ranges import is_known
from app.api.routes import JSON, Access, Answer, Routes

routes = Routes()


@dataclass(frozen=True, slots=True)
class Document:
    """The contract as it is sent; `etag` without quotes."""

    body: bytes
    etag: str

    @classmethod
    def of(cls, contract: Mapping[str, Any]) -> Self:
        """Write `contract` down."""
        body = msgspec.json.encode(contract)
        return cls(body, hashlib.sha256(body).hexdigest()[:32])


DOCUMENT = web.AppKey("document", Document)


@routes.get(
    "/api/v1/openapi.json",
    access=Access.PUBLIC,
    headers=("If-None-Match",),
    answers=(
        Answer(HTTPStatus.OK, {JSON: ()}, ("ETag",)),
        Answer(HTTPStatus.NOT_MODIFIED, headers=("ETag",)),
    ),
)
async def get_contract(request: web.Request) -> web.Response:
    """Give this document."""
    document = request.app[DOCUMENT]
    headers = {"ETag": f'"{document.etag}"', "Cache-Control": "public, no-cache"}
    if is_known(request.headers, document.etag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=document.body, content_type=JSON, charset="utf-8", headers=headers)
