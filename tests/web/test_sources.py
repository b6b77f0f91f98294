"""What the sources of the pages may not hold (web-ui.md, 9; security.md, C4)."""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"
SCRIPTS = sorted((WEB / "static" / "js").rglob("*.js"))
STYLES = sorted((WEB / "static" / "css").glob("*.css"))
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
MAY_SET_MARKUP = {"viewer/markdown.js"}
"""After DOMPurify."""
MARKUP = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|createContextualFragment|document\.write)\b"
)
EVAL = re.compile(r"\beval\s*\(|\bnew Function\b|\bset(?:Timeout|Interval)\(\s*['\"`]|\bjavascript:")
STYLE = re.compile(r"setAttribute\(\s*['\"]style|\bcssText\b")
FOREIGN = re.compile(r"https?://(?!www\.w3\.org/)")
IMPORT = re.compile(r"""(?:\bfrom\s+|\bimport\s*\(?\s*)["']([^"']+)["']""")


def _name(path: Path) -> str:
    return path.relative_to(WEB / "static" / "js").as_posix()


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_a_script_makes_no_markup_or_code_out_of_text(path: Path) -> None:
    text = path.read_text("utf-8")

    assert _name(path) in MAY_SET_MARKUP or not MARKUP.search(text)
    assert not EVAL.search(text)
    assert not STYLE.search(text)
    assert not FOREIGN.search(text)


@pytest.mark.parametrize("path", SCRIPTS, ids=_name)
def test_imports_are_relative_and_lead_to_a_file(path: Path) -> None:
    for wanted in IMPORT.findall(path.read_text("utf-8")):
        assert wanted.startswith("."), wanted
        assert (path.parent / wanted).is_file(), wanted


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_style_takes_its_colours_from_the_tokens_and_asks_nobody(path: Path) -> None:
    text = path.read_text("utf-8")

    assert not FOREIGN.search(text)
    assert "@import" not in text
    used, known = set(re.findall(r"var\((--[\w-]+)\)", text)), set()
    for one in STYLES:
        known |= set(re.findall(r"(?<![\w-])(--[\w-]+):", one.read_text("utf-8")))
    for script in SCRIPTS:  # measures that a script sets on an element
        known |= set(re.findall(r"""["'](--[\w-]+)["']""", script.read_text("utf-8")))
    assert used - known == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_escapes_all_and_holds_no_script_or_style(path: Path) -> None:
    text = path.read_text("utf-8")

    assert not re.search(r"\|\s*safe\b|autoescape|\bstyle=|<style|\son\w+=|<script(?! type=\"module\" src=)", text)
    assert not FOREIGN.search(text)
