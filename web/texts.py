"""What the pages say, in each language: the same files serve templates and scripts.

A text is a string with `{name}` for what is filled in, or an object of such strings by plural category (CLDR), of which
`count` chooses. The languages that are here have the categories `one` and `other`, and `one` is for 1 alone.
"""

import json
import re
from collections.abc import Callable, Mapping

Text = str | dict[str, str]

DEFAULT = "en"
FIRST = frozenset({"core", "error", "files", "format", "login", "nav", "session", "storage", "theme"})
"""Parts whose texts the shell needs before its first view stands; those of all others come after."""
_PLACE = re.compile(r"{(\w+)}")
_FILE = re.compile(r"text/([a-z]+)\.json")
_WISH = re.compile(r"([A-Za-z]+)[A-Za-z0-9-]*(?:\s*;\s*q=([01](?:\.\d{0,3})?))?")
_MOST_WISHES = 20


class Texts:
    """All texts of all languages."""

    def __init__(self, assets: Mapping[str, bytes]) -> None:
        """Take them from the assets named `text/LANGUAGE.json`."""
        self._texts: dict[str, dict[str, Text]] = {
            found[1]: json.loads(body) for name, body in assets.items() if (found := _FILE.fullmatch(name))
        }

    @property
    def languages(self) -> frozenset[str]:
        """The languages there are, as ISO 639 names them."""
        return frozenset(self._texts)

    def shares(self) -> Mapping[str, bytes]:
        """Return what the shell loads first and what it loads after, of each language, as further assets."""
        shares: dict[str, bytes] = {}
        for language, texts in self._texts.items():
            for name, is_first in (("first", True), ("rest", False)):
                share = {key: text for key, text in texts.items() if (key.partition(".")[0] in FIRST) == is_first}
                shares[f"text/{language}/{name}.json"] = json.dumps(
                    share, ensure_ascii=False, separators=(",", ":")
                ).encode()
        return shares

    def speaker(self, language: str) -> Callable[..., str]:
        """Return `t(key, **values)` of a language, for templates."""
        texts = self._texts[language]

        def speak(key: str, **values: object) -> str:
            text = texts[key]
            if isinstance(text, dict):
                text = text["one" if values.get("count") == 1 else "other"]
            return _PLACE.sub(lambda place: str(values[place[1]]), text)

        return speak

    def choose(self, accept_language: str) -> str:
        """Return the language that a browser wants most, of those there are (RFC 9110, 12.5.4)."""
        wanted: list[tuple[float, str]] = []
        for wish in accept_language.split(",")[:_MOST_WISHES]:
            found = _WISH.fullmatch(wish.strip())
            if found and found[1].lower() in self._texts:
                wanted.append((float(found[2] or 1), found[1].lower()))
        best = max(wanted, key=lambda wish: wish[0], default=(0.0, DEFAULT))
        return best[1] if best[0] > 0 else DEFAULT
