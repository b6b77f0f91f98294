"""Which modules each view of the shell needs, read from their import lines.

A page names them all at its head. Else the browser would learn of them in waves, each after the one before was fetched
and read: on a phone the first files would stand half a second later.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

VIEWS = "js/views.js"
_SHELL = "js/app.js"
_IMPORT = re.compile(r'^(?:import|export)\b[^;"]*"(\.[^"]+)";', re.MULTILINE)
_VIEW = re.compile(r'^  (\w+): \{ load: \(\) => import\("\./([^"]+)"\), style: "([^"]+)" \},$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Needs:
    """Names of assets: the modules of a view with those of the shell, and the view's style sheet."""

    modules: tuple[str, ...]
    style: str


def needs_of(assets: Mapping[str, bytes]) -> Mapping[str, Needs]:
    """Return what each view needs, by its name in `views.js`."""
    shell = _reached(assets, _SHELL, frozenset())
    return {
        name: Needs(tuple(sorted(_reached(assets, f"js/{module}", shell))), style)
        for name, module, style in _VIEW.findall(assets[VIEWS].decode())
    }


def _reached(assets: Mapping[str, bytes], start: str, known: frozenset[str]) -> frozenset[str]:
    """Return `known`, and all modules that are imported from `start` on."""
    found, waiting = set(known), [start]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            folder = posixpath.dirname(name)
            waiting += [posixpath.normpath(f"{folder}/{path}") for path in _IMPORT.findall(assets[name].decode())]
    return frozenset(found)
