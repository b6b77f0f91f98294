"""Ignore rules: gitignore syntax over paths below the root. Pure: nothing here looks at the disk.

The last pattern that matches decides, and nothing below an ignored folder comes back (gitignore(5)). Patterns become
regular expressions; every wildcard but the last of its stretch is an atomic group, so that no pattern takes time that
grows with a power of the length of a name: the rules come from the server as well.
"""

import hashlib
import re
from collections.abc import Iterable
from itertools import groupby
from typing import NamedTuple

from client.sync.model import PRIVATE, Path

FILE_NAME = ".cairnignore"
"""At the top of the root; synced like any file."""

BUILT_IN = (
    ".DS_Store",
    "._*",
    "Thumbs.db",
    "desktop.ini",
    "~$*",
    ".~lock.*#",
    "*.swp",
    "4913",
    "*.part",
    "*.crdownload",
    "*.partial",
    ".fuse_hidden*",
    ".nfs*",
)
"""What no person would miss. `!pattern` in one's own rules takes a name in again."""

MAX_PATTERN = 4096
"""Characters. A longer line cannot name a path, and is passed over."""

MOST_LINES = 4096
MOST_GROUPS = 1000
"""Of lines that take in again what lines before them leave out: each costs a look at every name."""

_SPECIAL = frozenset("*?[\\")
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\ \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r"\ \t\n\r\x0b\x0c",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}
_STAR = "*"
_GLOBSTAR = "**"
_SLASH = "/"


class _Pattern(NamedTuple):
    """One line: a regular expression for the name alone or for the whole path."""

    expression: str
    by_name: bool
    negated: bool
    folders_only: bool


class _Group(NamedTuple):
    """Lines in a row with the same sign, as one expression for each question; None where there is no line."""

    negated: bool
    name_of_file: re.Pattern[str] | None
    name_of_folder: re.Pattern[str] | None
    path_of_file: re.Pattern[str] | None
    path_of_folder: re.Pattern[str] | None


class Rules:
    """What is left out: the built-in names, then `.cairnignore`, then the device's own list; later lines win.

    Names that begin with `.cairn` are ours and always ignored, whatever the case; `.cairnignore` at the top is not.
    """

    def __init__(self, lines: Iterable[str] = (), own: Iterable[str] = ()) -> None:
        """Take the lines of `.cairnignore` and the device's own."""
        all_lines = [*BUILT_IN, *lines, *own]
        patterns = [pattern for pattern in map(_parse, all_lines) if pattern is not None]
        groups = [_grouped(sign, list(some)) for sign, some in groupby(patterns, key=lambda pattern: pattern.negated)]
        self._groups = groups[::-1]
        self.digest = hashlib.sha256("\n".join(all_lines).encode("utf-8", "surrogateescape")).hexdigest()
        """Of all lines: other rules, other digest."""

    @classmethod
    def of_text(cls, text: str, own: Iterable[str] = ()) -> "Rules":
        """Take the content of `.cairnignore` and the device's own lines."""
        return cls(text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"), own)

    @staticmethod
    def are_too_many(text: str) -> bool:
        """Tell whether the content of a `.cairnignore` holds more than any person writes: it comes from the server."""
        lines = [line for line in text.replace("\r", "\n").split("\n") if line and line[0] != "#"]
        return len(lines) > MOST_LINES or sum(1 for _ in groupby(lines, lambda line: line[0] == "!")) > MOST_GROUPS

    def is_ignored(self, path: Path, is_folder: bool) -> bool:  # noqa: FBT001 - the planner's own shape of the question
        """Tell whether an entry is left out, by itself or with a folder above it. The root never is."""
        last = len(path)
        return any(self.matches(path[:end], is_folder or end < last) for end in range(1, last + 1))

    def matches(self, path: Path, is_folder: bool) -> bool:  # noqa: FBT001 - as is_ignored
        """Tell whether an entry is left out, where no folder above it is."""
        if path[-1][: len(PRIVATE)].lower() == PRIVATE:
            return path != (FILE_NAME,)
        for group in self._groups:
            name, whole = (
                (group.name_of_folder, group.path_of_folder) if is_folder else (group.name_of_file, group.path_of_file)
            )
            if name is not None and name.fullmatch(path[-1]) is not None:
                return not group.negated
            if whole is not None and whole.fullmatch("/".join(path)) is not None:
                return not group.negated
        return False


def _grouped(negated: bool, patterns: list[_Pattern]) -> _Group:  # noqa: FBT001 - groupby gives it so
    def joined(*, by_name: bool, folder: bool) -> re.Pattern[str] | None:
        some = [p.expression for p in patterns if p.by_name == by_name and (folder or not p.folders_only)]
        return re.compile("|".join(f"(?:{each})" for each in some), re.DOTALL) if some else None

    return _Group(
        negated,
        joined(by_name=True, folder=False),
        joined(by_name=True, folder=True),
        joined(by_name=False, folder=False),
        joined(by_name=False, folder=True),
    )


def _parse(line: str) -> _Pattern | None:
    """Read one line as git's dir.c does; None if it holds no pattern, or one that matches nothing."""
    text = _without_trailing_spaces(line.removesuffix("\r"))
    if not text or text[0] == "#" or len(text) > MAX_PATTERN:
        return None
    negated = text[0] == "!"
    text = text[1:] if negated else text
    folders_only = text.endswith("/")
    text = text[:-1] if folders_only else text
    if not text:
        return None
    by_name = "/" not in text
    # Git compares the part before the first wildcard by itself, so a `**` right behind it stands as at the beginning.
    text = text if by_name else text.removeprefix("/")
    plain = next((at for at, char in enumerate(text) if char in _SPECIAL), len(text))
    tokens = _tokens(text[plain:])
    if tokens is None:
        return None
    return _Pattern(re.escape(text[:plain]) + _assembled(tokens), by_name, negated, folders_only)


def _without_trailing_spaces(line: str) -> str:
    end = at = 0
    while at < len(line):
        if line[at] == "\\":
            at += 2
            end = at
            continue
        at += 1
        if line[at - 1] != " ":
            end = at
    return line[:end]


def _tokens(text: str) -> list[str] | None:
    """Cut a pattern into wildcards, slashes, and expressions of one character; None if it can match nothing."""
    tokens: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "*":
            end = at
            while end < len(text) and text[end] == "*":
                end += 1
            tokens.append(_stars(text, at, end))
            at = end
        elif char == "[":
            found = _bracket(text, at + 1)
            if found is None:
                return None
            expression, at = found
            tokens.append(expression)
        elif char == "\\":
            if at + 1 == len(text):
                return None
            tokens.append(_SLASH if text[at + 1] == "/" else re.escape(text[at + 1]))
            at += 2
        else:
            tokens.append("[^/]" if char == "?" else _SLASH if char == "/" else re.escape(char))
            at += 1
    return tokens


def _stars(text: str, begin: int, end: int) -> str:
    """Tell whether stars may stand for slashes: two or more of them, alone between slashes."""
    alone = (begin == 0 or text[begin - 1] == "/") and (end == len(text) or text[end:].startswith(("/", "\\/")))
    return _GLOBSTAR if end - begin > 1 and alone else _STAR


def _assembled(tokens: list[str]) -> str:
    """Join tokens, atomic wherever the first fit is as good as any: at each wildcard that has another of its reach."""
    stretches = _split_at_globstars(tokens)
    first, *rest = stretches
    out = [_stretch(first)]
    for number, stretch in enumerate(rest):
        is_last = number == len(rest) - 1
        if not stretch:
            out.append(".*")
        elif is_last:
            out.append(f"(?:.*/)?{_stretch(stretch[1:])}")
        else:
            out.append(f"(?>(?:.*?/)??{_stretch(stretch[1:])})")
    return "".join(out)


def _split_at_globstars(tokens: list[str]) -> list[list[str]]:
    """Cut at each `**`; every stretch but the first begins with the slash behind it, or is empty at the end."""
    stretches: list[list[str]] = [[]]
    for token in tokens:
        if token == _GLOBSTAR:
            stretches.append([])
        else:
            stretches[-1].append(token)
    return stretches


def _stretch(tokens: list[str]) -> str:
    """Write out what holds no `**`: within one name, all stars but the last take the first fit."""
    out: list[str] = []
    piece: list[str] = []
    has_star = False

    def end_piece(*, another_star: bool) -> None:
        text = "".join(piece)
        if has_star:
            text = f"(?>[^/]*?{text})" if another_star else f"[^/]*{text}"
        out.append(text)
        piece.clear()

    for token in tokens:
        if token in {_STAR, _SLASH}:
            end_piece(another_star=token == _STAR)
            has_star = token == _STAR
            if token == _SLASH:
                out.append("/")
        else:
            piece.append(token)
    end_piece(another_star=False)
    return "".join(out)


def _bracket(text: str, at: int) -> tuple[str, int] | None:  # noqa: C901, PLR0912 - one small machine, as in git
    """Read a bracket expression from behind its `[`, as git's wildmatch.c does; None if it never ends."""
    negated = text[at : at + 1] in {"!", "^"}
    at += negated
    members: list[str] = []
    before: str | None = None
    begin = at
    while True:
        if at >= len(text):
            return None
        char = text[at]
        if char == "]" and at > begin:
            return _set(members, negated=negated), at + 1
        if char == "\\":
            if at + 1 == len(text):
                return None
            before = text[at + 1]
            members.append(re.escape(before))
            at += 2
        elif char == "-" and before is not None and at + 1 < len(text) and text[at + 1] != "]":
            at += 2 if text[at + 1] == "\\" else 1
            if at >= len(text):
                return None
            if before <= text[at]:
                members.append(f"{re.escape(before)}-{re.escape(text[at])}")
            before = None
            at += 1
        elif char == "[" and text[at + 1 : at + 2] == ":":
            end = text.find("]", at + 2)
            if end < 0:
                return None
            if end == at + 2 or text[end - 1] != ":":
                members.append(re.escape(char))
                before = char
                at += 1
                continue
            if (named := _POSIX.get(text[at + 2 : end - 1])) is None:
                return None
            members.append(named)
            before = None
            at = end + 1
        else:
            members.append(re.escape(char))
            before = char
            at += 1


def _set(members: list[str], *, negated: bool) -> str:
    """Write a set that never holds the slash."""
    inside = "".join(members).replace("&&", "&\\&").replace("||", "|\\|").replace("~~", "~\\~")
    if negated:
        return f"[^/{inside}]"
    return f"(?!/)[{inside}]" if inside else "(?!)"
