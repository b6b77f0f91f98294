"""The route table. A route says who may call it, what it takes, what it answers and how it refuses.

What it takes and answers is read from the handler's own signature wherever that says it, so the types that requests are
checked with, those that answers are made of, and those in the published document are the same ones.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Any, TypedDict, TypeVar, Union, Unpack, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from app.api.http import json_reply, query, read_json, working

F = TypeVar("F", bound=Callable[..., Awaitable[object]])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Content = Mapping[str, tuple[type, ...]]

JSON = "application/json"
API = "/api/"


class Access(Enum):
    """Who may call a route; the object itself is judged by the service, and so is what a scope leaves of it."""

    ALWAYS = "anyone, also before there is an admin"
    PUBLIC = "anyone"
    SETUP = "anyone, while there is no admin"
    METRICS = "whoever holds the token of the metrics, or anyone where so configured"
    SIGNED = "whoever holds the signed URL"
    LINK = "whoever holds the link"
    FILES = "a device, session or app password of an enabled user, within its scope"
    WEBDAV = "as files, app passwords for WebDAV alone and the account's own password too (api.md, Other doors)"
    ACCOUNT = "a device or session of an enabled user"
    ADMIN = "a device or session of an admin"


@dataclass(frozen=True, slots=True)
class Body:
    """What a request carries.

    Attributes:
        content: by media type the JSON bodies that are taken, one of them at a time; none where it is bytes.
    """

    content: Content
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """One way in which a call succeeds.

    Attributes:
        content: by media type the JSON bodies that are given, one of them at a time; none where it is bytes or text.
        headers: names of those that always come with it, beside the ones that every answer has.
    """

    status: HTTPStatus
    content: Content = field(default_factory=dict)
    headers: tuple[str, ...] = ()


class NoParameters(msgspec.Struct, forbid_unknown_fields=True):
    """The query of a call of the API that takes none."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a route takes, answers and refuses.

    Attributes:
        query: the parameters; None where they are not judged.
        headers: names of request headers that count.
        refuses: the refusals that this route has beside those that go with its access, method, path and body.
        example: a JSON body that makes sense, for readers and for those who try the call.
    """

    query: type | None
    body: Body | None
    headers: tuple[str, ...]
    answers: tuple[Answer, ...]
    refuses: tuple[type[Exception], ...]
    example: msgspec.Struct | None


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the route table.

    Attributes:
        name: its handler's name, as `tag` and `about` are its module and docstring.
        proof: it asks for a proof of identity that is no older than ten minutes (security.md, A6).
        checks_secret: strangers may try a secret here, so it stands behind the throttle (security.md, T1).
        pattern: the path as the router takes it, where that says more than `path`.
        is_published: the published document has it; WebDAV is described by its own RFCs, and a page is for people.
    """

    method: str
    path: str
    access: Access
    handler: Handler
    contract: Contract
    name: str
    tag: str
    about: str
    proof: bool = False
    checks_secret: bool = False
    pattern: str = ""
    is_published: bool = True


class Terms(TypedDict, total=False):
    """What a handler's signature does not say.

    `status` is the one of what it returns; `answers` stand for a handler that returns a response of its own, `body` for
    one that reads the body itself. `headers`, `refuses` and `example` are those of `Contract`, the others
    those of `Route`.
    """

    status: HTTPStatus
    answers: tuple[Answer, ...]
    body: Body
    headers: tuple[str, ...]
    refuses: tuple[type[Exception], ...]
    example: msgspec.Struct
    proof: bool
    checks_secret: bool
    pattern: str
    is_published: bool


class Routes(list[Route]):
    """Collects the routes of a module; one without an access rule or a contract cannot be written down.

    A handler may take `query` and `body` beside the request: they are decoded as their annotations say. What it returns
    is rendered as its annotation says: a struct as JSON, None as 204.
    """

    def get(self, path: str, *, access: Access, **terms: Unpack[Terms]) -> Callable[[F], F]:
        """Register a GET, with HEAD."""
        return self._add("GET", path, access, terms)

    def post(self, path: str, *, access: Access, **terms: Unpack[Terms]) -> Callable[[F], F]:
        """Register a POST."""
        return self._add("POST", path, access, terms)

    def put(self, path: str, *, access: Access, **terms: Unpack[Terms]) -> Callable[[F], F]:
        """Register a PUT."""
        return self._add("PUT", path, access, terms)

    def patch(self, path: str, *, access: Access, **terms: Unpack[Terms]) -> Callable[[F], F]:
        """Register a PATCH."""
        return self._add("PATCH", path, access, terms)

    def delete(self, path: str, *, access: Access, **terms: Unpack[Terms]) -> Callable[[F], F]:
        """Register a DELETE."""
        return self._add("DELETE", path, access, terms)

    def _add(self, method: str, path: str, access: Access, terms: Terms) -> Callable[[F], F]:
        def register(function: F) -> F:
            contract = _contract(function, path, terms)
            name, tag, about = function.__name__, function.__module__.rpartition(".")[2], inspect.getdoc(function) or ""
            proof, checks_secret = terms.get("proof", False), terms.get("checks_secret", False)
            bound = _bound(function, contract)
            self.append(
                Route(
                    method,
                    path,
                    access,
                    bound,
                    contract,
                    name,
                    tag,
                    about,
                    proof,
                    checks_secret,
                    terms.get("pattern", ""),
                    terms.get("is_published", True),
                )
            )
            return function

        return register


def _contract(function: Callable[..., object], path: str, terms: Terms) -> Contract:
    """Return what a handler's signature and `terms` say together.

    Raises:
        TypeError: they leave something open, or say it twice.
    """
    hints = get_type_hints(function)
    returned = hints.pop("return")
    hints.pop("request", None)
    query_type, body_type = hints.pop("query", None), hints.pop("body", None)
    own_response = isinstance(returned, type) and issubclass(returned, web.StreamResponse)
    if hints.keys() - {"_request"} or own_response != ("answers" in terms) or (body_type and "body" in terms):
        raise TypeError(f"{function.__name__} declares too little, or one thing twice")
    body = terms.get("body")
    if body_type is not None:
        kinds = _alternatives(body_type)
        body = Body({JSON: kinds}, is_required=kinds == (body_type,))
    if own_response:
        answers = terms["answers"]
    elif returned is NoneType:
        answers = (Answer(HTTPStatus.NO_CONTENT),)
    else:
        answers = (Answer(terms.get("status", HTTPStatus.OK), {JSON: _alternatives(returned)}),)
    if query_type is None and path.startswith(API):
        query_type = NoParameters
    headers, refuses = terms.get("headers", ()), terms.get("refuses", ())
    return Contract(query_type, body, headers, answers, refuses, terms.get("example"))


def _alternatives(annotation: Any) -> tuple[type, ...]:
    """Return the members of a union, None left out; of another type itself."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(kind for kind in get_args(annotation) if kind is not NoneType)
    return (annotation,)


def _bound(function: Callable[..., Awaitable[object]], contract: Contract) -> Handler:
    """Return `function` as aiohttp calls it: query and body decoded before, what it returns rendered after.

    It works when it is the asker's turn. One that reads the body itself waits for the peer, and takes its turn itself.
    """
    takes = inspect.signature(function).parameters
    reads_itself = contract.body is not None and "body" not in takes
    status = contract.answers[0].status

    async def handler(request: web.Request) -> web.StreamResponse:
        arguments: dict[str, object] = {}
        if contract.query is not None:
            arguments["query"] = query(request, contract.query)
        if "body" in takes and contract.body is not None:
            is_there = contract.body.is_required or request.can_read_body
            arguments["body"] = await read_json(request, contract.body.content[JSON][0]) if is_there else None
        arguments = {name: value for name, value in arguments.items() if name in takes}
        if reads_itself:
            return _rendered(await function(request, **arguments), status)
        async with working(request):
            return _rendered(await function(request, **arguments), status)

    return handler


def _rendered(returned: object, status: HTTPStatus) -> web.StreamResponse:
    if isinstance(returned, web.StreamResponse):
        return returned
    return web.Response(status=status) if returned is None else json_reply(returned, status)
