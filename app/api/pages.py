"""The pages that people open in a browser, and the files these load."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from app.api.origins import is_tls
from app.api.routes import Access, Answer, Routes
from app.errors import AppError, InvalidRequestError, NameTakenError, NotFoundError, UnauthenticatedError
from app.keys import SERVICES

routes = Routes()

# No script and no style stands inside a page, so nothing but this server's own files is allowed (security.md, C3).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; font-src 'self'; "
    "manifest-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; frame-src 'self'; form-action 'self'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",  # decision 0028: with none a browser keeps quiet about a form's origin
}
_OWN_MACHINE = ("localhost", "127.0.0.1")  # trusted without TLS; elsewhere a browser ignores that header, and complains
_REASONS: Mapping[type[AppError], str] = {NameTakenError: "name_taken", UnauthenticatedError: "wrong_code"}
_SENDER = "js/upload/net_worker.js"
_ASSET_POLICIES = {
    # A worker follows the policy of its own response. This one alone may reach the object server, if clients are to.
    _SENDER: "default-src 'none'; script-src 'self'; connect-src 'self'",
    # It hashes with WebAssembly where the page is not secure.
    "js/upload/hash_worker.js": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'",
}
_FOR_EVER = "public, max-age=31536000, immutable"


def base_of(request: web.Request) -> str:
    """Return the way from the asked page up to the server's own, such as `../`, whatever a proxy put before it."""
    return "../" * (request.rel_url.raw_path.count("/") - 1)


def language_of(request: web.Request, wished: str = "") -> str:
    """Return the language of a page: the one wished for in the profile, else the browser's."""
    texts = request.app[SERVICES].pages.texts
    return wished if wished in texts.languages else texts.choose(request.headers.get("Accept-Language", ""))


def is_exposed(request: web.Request) -> bool:
    """Say whether others on a network could read what passes: it has no TLS, and leaves this machine."""
    return not is_tls(request) and request.host.partition(":")[0] not in _OWN_MACHINE


def words_for(request: web.Request, error: AppError) -> str:
    """Return what a form says of a refusal, in the page's language where there are words for it."""
    reason = error.reason if isinstance(error, InvalidRequestError) else _REASONS.get(type(error), "")
    speak = request.app[SERVICES].pages.texts.speaker(language_of(request))
    return speak(f"account.{reason}") if reason else str(error)


def page_reply(
    request: web.Request,
    template: str,
    *,
    status: int = 200,
    language: str = "",
    theme: str = "auto",
    **values: object,
) -> web.Response:
    """Render a page that no cache keeps.

    Args:
        language, theme: as the asker's preferences say, where it is known who asks.
    """
    services = request.app[SERVICES]
    text = services.pages.render(
        template,
        base=base_of(request),
        language=language_of(request, language),
        theme=theme,
        server_name=services.settings.server.name,
        is_exposed=is_exposed(request),
        **values,
    )
    response = web.Response(text=text, status=status, content_type="text/html", headers=_PAGE_HEADERS)
    if not is_exposed(request):
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return response


@routes.get(
    "/static/{build}/{name}",
    access=Access.ALWAYS,
    answers=(Answer(HTTPStatus.OK, {"*/*": ()}),),
    pattern="/static/{build}/{name:.+}",
    is_published=False,
)
async def send_asset(request: web.Request) -> web.Response:
    """Send a file of this build; those of another are gone."""
    pages = request.app[SERVICES].pages
    name = request.match_info["name"]
    asset = pages.assets.get(name)
    if asset is None or request.match_info["build"] != pages.build:
        raise NotFoundError("There is nothing here.")
    headers = {"Cache-Control": _FOR_EVER, "Content-Type": f"{asset.media_type}{_charset(asset.media_type)}"}
    if name in _ASSET_POLICIES:
        further = request.app[SERVICES].settings.storage.s3.public_origin if name == _SENDER else ""
        headers["Content-Security-Policy"] = f"{_ASSET_POLICIES[name]} {further}".rstrip()
    if asset.gzipped is None:
        return web.Response(body=asset.body, headers=headers)
    headers["Vary"] = "Accept-Encoding"
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=asset.body, headers=headers)
    return web.Response(body=asset.gzipped, headers=headers | {"Content-Encoding": "gzip"})


def _charset(media_type: str) -> str:
    return "; charset=utf-8" if media_type.startswith("text/") else ""
