"""Renders the pages and holds the files they are made of; asks nobody and decides nothing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import jinja2

_MEDIA_TYPES = {".css": "text/css", ".svg": "image/svg+xml"}
_BUILD_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load, as it goes over the wire."""

    media_type: str
    body: bytes


class Pages:
    """The templates and assets of this build, read once: no request names a file on disk."""

    def __init__(self) -> None:
        """Read all of them."""
        folder = resources.files("web").joinpath("templates")
        templates = {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".html")}
        self._templates = jinja2.Environment(
            loader=jinja2.DictLoader(templates),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._assets = MappingProxyType(_read_assets())
        digest = hashlib.sha256()
        for name, asset in self._assets.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(asset.body).digest())
        self.build = digest.hexdigest()[:_BUILD_DIGITS]

    @property
    def assets(self) -> Mapping[str, Asset]:
        """The assets by name; their URLs hold `build`, so that a cache may keep them for ever."""
        return self._assets

    def render(self, template: str, *, base: str, **values: object) -> str:
        """Return a page.

        Args:
            template: its file name.
            base: the way from the page's URL up to the server's own, such as `../`; the server may stand under any
                path of another.
            values: what the template shows; escaped there.
        """
        return self._templates.get_template(template).render(static=f"{base}static/{self.build}", base=base, **values)


def _read_assets() -> dict[str, Asset]:
    folder = resources.files("web").joinpath("static")
    files = sorted((entry.name, entry.read_bytes()) for entry in folder.iterdir() if entry.is_file())
    return {name: Asset(_MEDIA_TYPES["." + name.rpartition(".")[2]], body) for name, body in files}
