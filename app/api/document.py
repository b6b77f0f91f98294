"""Makes the OpenAPI 3.1 document out of the route table (api.md: the server publishes its own contract)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec.json import schema_components

from app import errors
from app.api.routes import JSON, Access, Answer, Body, Content, Route
from app.problems import INTERNAL, PROBLEM_JSON, Problem, code_of, status_of
from app.version import VERSION
from app.wire import FileReply, Sha256, UploadReply, WireId
from app.wire_problems import ConflictProblem, FrameProblem, MissingProblem
from app.wire_sync import EventReply
from app.wire_tree import PurgedReply, TrashedReply
from storage import errors as storage_errors

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/{name}"
ABOUT = """The wire contract of this Cairn, made from the types that its requests are checked with.

Every GET answers HEAD too. Times are Unix milliseconds (`…_ms`), sizes bytes. Unknown fields of a request are refused,
unknown fields of an answer are to be ignored. Refusals are problem details (RFC 9457) with a stable `code`."""
ALL_METHODS: tuple[type[Exception], ...] = (
    errors.InvalidRequestError,
    errors.RequestTimeoutError,
    errors.MisdirectedError,
    errors.RateLimitedError,
    errors.HeadersTooLargeError,
    errors.UnavailableError,
)
OF_ACCESS: Mapping[Access, tuple[type[Exception], ...]] = {
    Access.SETUP: (errors.NotFoundError,),
    Access.METRICS: (errors.NotFoundError, errors.UnauthenticatedError),
    Access.LINK: (errors.NotFoundError,),
    Access.SIGNED: (storage_errors.BadSignatureError, storage_errors.UrlExpiredError, errors.NotFoundError),
    Access.FILES: (errors.UnauthenticatedError, errors.ForbiddenError),
    Access.ACCOUNT: (errors.UnauthenticatedError, errors.ForbiddenError),
    Access.ADMIN: (errors.UnauthenticatedError, errors.ForbiddenError),
}
OF_BODIES = (errors.TooLargeError, errors.UnsupportedMediaTypeError)
OF_CHANGES = (storage_errors.StoreFullError,)
"""What a call that writes may meet on a full disk."""
SHAPES: Mapping[str, type[Problem]] = {
    "conflict": ConflictProblem,
    "name_taken": ConflictProblem,
    "missing_chunks": MissingProblem,
    "chunk_mismatch": FrameProblem,
}
NAMED_KINDS = (
    Problem, ConflictProblem, MissingProblem, FrameProblem,
    UploadReply, FileReply, TrashedReply, PurgedReply, EventReply,
)  # fmt: skip
"""Kinds that others refer to by name."""

SECURITY: Mapping[Access, list[dict[str, list[str]]]] = {
    Access.FILES: [{"bearer": []}, {"basic": []}, {"session": []}],
    Access.ACCOUNT: [{"bearer": []}, {"session": []}],
    Access.ADMIN: [{"bearer": []}, {"session": []}],
    Access.SIGNED: [{"signature": []}],
    Access.METRICS: [{"bearer": []}, {}],
}
SECURITY_SCHEMES: Json = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of a device, from POST /api/v1/login, or where files are concerned an app password.",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "User name and app password."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "cairn-session",
        "description": "A browser's session; over TLS the cookie is `__Host-cairn`. With Authorization it is ignored.",
    },
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": "X-CSRF-Token",
        "description": "Beside the session, from an own page, on all that changes something; the login gives it. "
        "A read may leave it out; with that of another session it is refused too.",
    },
    "signature": {
        "type": "apiKey",
        "in": "query",
        "name": "m",
        "description": "A signed URL, used as the server gave it: its query says what it allows, under a MAC.",
    },
}
REQUEST_HEADERS: Mapping[str, str] = {
    "Range": "Bytes that are wanted; several ranges come as multipart/byteranges (RFC 9110, 14).",
    "If-Range": "An etag or a date: Range counts only if the content is still that (RFC 9110, 13.1.5).",
    "If-Match": "Etags of which the present state must have one, else 412.",
    "If-None-Match": "Etags of which the present state must have none; `*` for nothing at all.",
    "If-Modified-Since": "304 if it did not change after this date.",
    "If-Unmodified-Since": "412 if it changed after this date.",
    "Accept-Encoding": "With zstd the chunk may come as it is stored.",
    "Content-Encoding": "identity, zstd or gzip.",
    "Last-Event-ID": "The cursor of the last event, which counts before `cursor`.",
    "X-Mtime-Ms": "The file's time, Unix milliseconds; now if absent.",
}
ANSWER_HEADERS: Mapping[str, str] = {
    "ETag": "Strong validator, in quotes.",
    "Last-Modified": "When the content changed, by the file's own time.",
    "Accept-Ranges": "bytes",
    "Content-Range": "Which bytes these are, of how many.",
    "Content-Disposition": "Inline or attachment, with the file's name (RFC 6266).",
    "Location": "The page to go on to.",
    "Retry-After": "Seconds until another try makes sense.",
    "Set-Cookie": "What the browser is to keep.",
    "WWW-Authenticate": "Bearer",
}
OF_STATUS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "WWW-Authenticate",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "Content-Range",
    HTTPStatus.TOO_MANY_REQUESTS: "Retry-After",
    HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After",
}
_NAMES = re.compile(r"{(\w+)}")


def make_document(routes: Sequence[Route]) -> Json:
    """Return the document of these routes."""
    schemas = _Schemas(routes)
    paths: dict[str, Json] = {}
    for route in routes:
        methods = paths.setdefault(route.path, {})
        methods[route.method.lower()] = _operation(route, schemas, again=route.name in _ids(methods))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Cairn", "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/", "description": "Joined to the base URL that the caller uses."}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": SECURITY_SCHEMES,
            "responses": schemas.refusals,
        },
    }


def refusals_of(route: Route) -> dict[int, set[str]]:
    """Return the codes with which a route may refuse, by status."""
    kinds = [*ALL_METHODS, *OF_ACCESS.get(route.access, ()), *route.contract.refuses]
    if route.checks_secret:
        kinds.append(errors.ForbiddenError)  # a password from the internet without TLS
    if route.proof:
        kinds.append(errors.ReauthRequiredError)
    if "{" in route.path:
        kinds.append(errors.NotFoundError)
    if route.contract.body is not None:
        kinds += OF_BODIES
    if route.method != "GET":
        kinds += OF_CHANGES
    found: dict[int, set[str]] = {HTTPStatus.INTERNAL_SERVER_ERROR: {INTERNAL}}
    for kind in kinds:
        status = status_of(kind)
        if status is None:
            raise TypeError(f"{kind.__name__} has no status")
        found.setdefault(status, set()).add(code_of(kind))
    return found


class _Schemas:
    """The schemas of all kinds that routes speak of, and the refusals, each written once."""

    def __init__(self, routes: Iterable[Route]) -> None:
        kinds: dict[Any, None] = dict.fromkeys(NAMED_KINDS)
        for route in routes:
            contract = route.contract
            contents = [answer.content for answer in contract.answers]
            if contract.body is not None:
                contents.append(contract.body.content)
            for content in contents:
                for alternatives in content.values():
                    kinds |= dict.fromkeys(alternatives)
        found, components = schema_components(list(kinds), ref_template=SCHEMAS)
        self.components = dict(sorted(components.items()))
        self._found: dict[Any, Json] = dict(zip(kinds, found, strict=True))
        self.refusals: dict[str, Json] = {}

    def content(self, content: Content) -> Json:
        """Return the media types of a body or an answer."""
        return {media: {"schema": self._any_of(kinds)} if kinds else {} for media, kinds in content.items()}

    def refusal(self, status: int, codes: set[str]) -> Json:
        """Return a reference to the refusals of a status."""
        name = "-".join((str(int(status)), *sorted(codes)))
        if name not in self.refusals:
            self.refusals[name] = self.refused(status, codes)
        return {"$ref": f"#/components/responses/{name}"}

    def refused(self, status: int, codes: set[str]) -> Json:
        """Return the refusals of a status."""
        shapes = dict.fromkeys(SHAPES.get(code, Problem) for code in sorted(codes))
        if FrameProblem in shapes:  # of a single chunk there is no frame to tell of
            shapes[Problem] = None
        told = {"properties": {"status": {"const": int(status)}, "code": {"enum": sorted(codes)}}}
        return {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(sorted(codes))}.",
            "content": {PROBLEM_JSON: {"schema": {"allOf": [self._any_of(tuple(shapes)), told]}}},
            **_headers((OF_STATUS[status],) if status in OF_STATUS else ()),
        }

    def _any_of(self, kinds: tuple[type, ...]) -> Json:
        found = [self._found[kind] for kind in kinds]
        return found[0] if len(found) == 1 else {"anyOf": found}


def _ids(methods: Mapping[str, Json]) -> set[str]:
    return {operation["operationId"] for operation in methods.values()}


def _operation(route: Route, schemas: _Schemas, *, again: bool) -> Json:
    contract = route.contract
    summary, _, more = route.about.partition("\n\n")
    operation: Json = {
        "operationId": f"{route.name}_by_{route.method.lower()}" if again else route.name,
        "tags": [route.tag],
        "summary": " ".join(summary.split()),
        "description": f"{more}\n\nFor {route.access.value}.".strip(),
        "security": _security(route),
    }
    query, headers = _query_parameters(contract.query), _header_parameters(contract.headers)
    parameters = [*_path_parameters(route.path), *query, *headers]
    if parameters:
        operation["parameters"] = parameters
    if contract.body is not None:
        operation["requestBody"] = _body(contract.body, contract.example, schemas)
    operation["responses"] = _responses(route, schemas)
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    """Return what a call may be made with; a cookie that changes something goes with the CSRF token."""
    ways = SECURITY.get(route.access, [])
    return [way | {"csrf": []} if "session" in way and route.method != "GET" else way for way in ways]


def _body(body: Body, example: msgspec.Struct | None, schemas: _Schemas) -> Json:
    content = schemas.content(body.content)
    if example is not None:
        content[JSON]["example"] = msgspec.to_builtins(example)
    return {"content": content, "required": body.is_required}


def _responses(route: Route, schemas: _Schemas) -> Json:
    answers = {answer.status: _answer(answer, schemas) for answer in route.contract.answers}
    refusals = refusals_of(route)
    responses = {
        str(int(status)): schemas.refusal(status, codes) for status, codes in refusals.items() if status not in answers
    }
    for status, answer in answers.items():
        if status in refusals:  # a form that is shown again answers in HTML what others get as problem details
            answer["content"] |= schemas.refused(status, refusals[status])["content"]
        responses[str(int(status))] = answer
    return dict(sorted(responses.items()))


def _answer(answer: Answer, schemas: _Schemas) -> Json:
    described: Json = {"description": answer.status.phrase, **_headers(answer.headers)}
    if answer.content:
        described["content"] = schemas.content(answer.content)
    return described


def _headers(names: Iterable[str]) -> Json:
    headers = {
        name: {"description": ANSWER_HEADERS[name], "required": True, "schema": {"type": "string"}} for name in names
    }
    return {"headers": headers} if headers else {}


def _path_parameters(path: str) -> list[Json]:
    ids, hashes = (msgspec.json.schema(kind) for kind in (WireId, Sha256))
    return [
        {"name": name, "in": "path", "required": True, "schema": hashes if name == "chunk" else ids}
        for name in _NAMES.findall(path)
    ]


def _query_parameters(kind: type | None) -> list[Json]:
    if kind is None:
        return []
    _, components = schema_components([kind])
    schema = components[kind.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema["required"], "schema": _without_null(property_)}
        for name, property_ in schema["properties"].items()
    ]


def _without_null(schema: Json) -> Json:
    """Return the schema of a parameter: one that is not given is absent, and never null."""
    kept = {name: value for name, value in schema.items() if not (name == "default" and value is None)}
    choices = kept.pop("anyOf", None)
    return kept if choices is None else kept | next(choice for choice in choices if choice != {"type": "null"})


def _header_parameters(names: Iterable[str]) -> list[Json]:
    return [
        {"name": name, "in": "header", "description": REQUEST_HEADERS[name], "schema": {"type": "string"}}
        for name in names
    ]
