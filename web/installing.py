"""What makes an app of the pages: the manifest, and the worker that keeps the shell, where a browser allows one."""

import json
from typing import Any, Final

from web.pages import Pages

GROUND: Final = "#f5f7f8"  # --ground of css/tokens.css in light: what stands there while the app starts
WORKER: Final = "js/worker/shell.js"
_KEPT: Final = ("css/", "js/", "text/")
"""Folders of the shell: what is in them is kept before anybody asks; the code of others once it was asked for."""
_ICONS: Final = (
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("maskable-512.png", "512x512", "maskable"),
)
_PLACES: Final = (("files", "nav.files"), ("photos", "nav.photos"), ("shared", "nav.shared"))


def manifest(pages: Pages, *, name: str, language: str) -> dict[str, Any]:
    """Return the web app manifest; its addresses are relative, for the server may stand below a path of another."""
    t = pages.texts.speaker(language)
    return {
        "name": name,
        "short_name": name,
        "lang": language,
        "start_url": "./files",
        "scope": "./",
        "display": "standalone",
        "background_color": GROUND,
        "theme_color": GROUND,
        "icons": [
            {"src": f"./static/{pages.build}/app/{file}", "sizes": sizes, "type": "image/png", "purpose": purpose}
            for file, sizes, purpose in _ICONS
        ],
        "share_target": {
            "action": "./share",  # answered by the worker: js/worker/shell.js
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {"files": [{"name": "files", "accept": ["*/*"]}]},
        },
        "shortcuts": [{"name": t(key), "url": f"./{place}"} for place, key in _PLACES],
    }


def worker(pages: Pages) -> bytes:
    """Return the script of the service worker; it differs from build to build, which is how a browser learns of one."""
    kept = [name for name in pages.assets if name.startswith(_KEPT) and name != WORKER]
    build = {"build": pages.build, "files": [*kept, "cairn.svg", "icons.svg"]}
    return f"self.SHELL = {json.dumps(build)};\n".encode() + pages.assets[WORKER].body
