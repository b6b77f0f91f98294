"""Renders the pages and holds the files they are made of; asks nobody and decides nothing."""

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

import jinja2

from web.modules import needs_of
from web.texts import Texts

MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
_PACKED = (".png", ".woff2")  # gzip gains nothing there
_WORTH = 0.9
_BUILD_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load, as it goes over the wire; `gzipped` is None where that is hardly shorter."""

    media_type: str
    body: bytes
    gzipped: bytes | None


class Pages:
    """The templates, texts and assets of this build, read once: no request names a file on disk."""

    def __init__(self) -> None:
        """Read all of them, and make the gzip copies."""
        folder = resources.files("web").joinpath("templates")
        templates = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".html")}
        self._templates = jinja2.Environment(
            loader=jinja2.DictLoader(templates),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        assets = dict(_read_assets(resources.files("web").joinpath("static"), ""))
        self.texts = Texts({name: asset.body for name, asset in assets.items()})
        assets |= {name: _asset(".json", body) for name, body in self.texts.shares().items()}
        self._assets = MappingProxyType(dict(sorted(assets.items())))
        self._needs = needs_of({name: asset.body for name, asset in self._assets.items()})
        digest = hashlib.sha256()
        for name, asset in self._assets.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(asset.body).digest())
        self.build = digest.hexdigest()[:_BUILD_DIGITS]

    @property
    def assets(self) -> Mapping[str, Asset]:
        """The assets by name, such as `js/core/dom.js`; their URLs hold `build`, so that a cache may keep them."""
        return self._assets

    def render(self, template: str, *, base: str, language: str, theme: str, **values: object) -> str:
        """Return a page.

        Args:
            template: its file name.
            base: the way from the page's URL up to the server's own, such as `../`; the server may stand under any
                path of another.
            language: one of `Texts.languages`.
            theme: `light`, `dark` or `auto`.
            values: what the template shows; escaped there. Templates find there what views need as `needs`.
        """
        return self._templates.get_template(template).render(
            static=f"{base}static/{self.build}",
            base=base,
            language=language,
            theme=theme,
            needs=self._needs,
            t=self.texts.speaker(language),
            **values,
        )


@cache
def pages_of_this_build() -> Pages:
    """Return the pages, which all servers of this process share: to read and pack them takes 65 ms."""
    return Pages()


def _read_assets(folder: Traversable, above: str) -> Iterator[tuple[str, Asset]]:
    for entry in folder.iterdir():
        name = f"{above}{entry.name}"
        if entry.is_dir():
            yield from _read_assets(entry, f"{name}/")
        else:
            yield name, _asset("." + name.rpartition(".")[2], entry.read_bytes())


def _asset(ending: str, body: bytes) -> Asset:
    gzipped = b"" if ending in _PACKED else gzip.compress(body, 9, mtime=0)
    return Asset(MEDIA_TYPES[ending], body, gzipped if 0 < len(gzipped) < len(body) * _WORTH else None)
