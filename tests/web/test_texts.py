"""Texts: none is missing, none is left over, and both languages say them."""

import json
import re
from pathlib import Path

import pytest

from web.texts import Texts

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "web" / "static" / "text"
TEXTS = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
SPEAKERS = [
    *(ROOT / "web" / "static" / "js").rglob("*.js"),
    *(ROOT / "web" / "templates").glob("*.html"),
    *(ROOT / "app" / "api").glob("*.py"),
]
# What stands in quotes and looks like a key; one that is put together counts by what stands before its first gap.
QUOTED = re.compile(r"""["'`]([a-z_]+\.[a-z0-9_.]*)(\$?\{)?""")
CALLED = re.compile(r"""\bt\(\s*["'`]([a-z_]+\.[a-z0-9_.]*)["'`]""")
PLACE = re.compile(r"{\w+}")


def said() -> str:
    return "\n".join(path.read_text("utf-8") for path in SPEAKERS)


def forms(text: str | dict[str, str]) -> dict[str, str]:
    return text if isinstance(text, dict) else {"": text}


def test_every_text_that_is_said_is_there() -> None:
    assert {key for key in CALLED.findall(said()) if key not in TEXTS["en"]} == set()


def test_every_text_that_is_there_is_said() -> None:
    found = QUOTED.findall(said())
    keys = {key for key, gap in found if not gap}
    beginnings = tuple(key for key, gap in found if gap)

    assert [key for key in TEXTS["en"] if key not in keys and not (beginnings and key.startswith(beginnings))] == []


@pytest.mark.parametrize("language", sorted(TEXTS.keys() - {"en"}))
def test_another_language_says_the_same(language: str) -> None:
    assert TEXTS[language].keys() == TEXTS["en"].keys()
    for key, english in TEXTS["en"].items():
        other = TEXTS[language][key]
        assert forms(other).keys() == forms(english).keys(), key
        for form, text in forms(english).items():
            assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(forms(other)[form])), key


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_texts_stand_in_order_one_a_line(language: str) -> None:
    """So that many people can add to them at once."""
    text = (FOLDER / f"{language}.json").read_text("utf-8")
    lines = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in TEXTS[language].items()]

    assert list(TEXTS[language]) == sorted(TEXTS[language])
    assert text == "{\n" + ",\n".join(lines) + "\n}\n"


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("fr, de;q=0.5, en;q=0.4", "de"),
        ("de;q=0, en;q=0", "en"),
        ("xx, *", "en"),
        (",;q=;;" * 1000, "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_wants_most(wanted: str, language: str) -> None:
    texts = Texts({f"text/{name}.json": json.dumps(of).encode() for name, of in TEXTS.items()})

    assert texts.choose(wanted) == language


def test_the_shell_gets_all_texts_in_two_shares_of_which_the_first_has_what_its_first_view_says() -> None:
    js = ROOT / "web" / "static" / "js"
    first_said = "\n".join(
        path.read_text("utf-8") for part in ("core", "shell", "files") for path in (js / part).glob("*.js")
    )
    texts = Texts({f"text/{name}.json": json.dumps(of).encode() for name, of in TEXTS.items()})

    for language, of in TEXTS.items():
        first, rest = (json.loads(texts.shares()[f"text/{language}/{share}.json"]) for share in ("first", "rest"))
        assert first | rest == of
        assert not first.keys() & rest.keys()
        assert set(CALLED.findall(first_said)) - first.keys() == set()


def test_templates_say_plurals() -> None:
    speak = Texts({"text/en.json": b'{"a": {"one": "{count} file", "other": "{count} files"}}'}).speaker("en")

    assert [speak("a", count=count) for count in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
