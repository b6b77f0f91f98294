"""XML of others, kept and given back: well-formed by itself, and the same for whoever reads it (RFC 4918, 4.3)."""

import re
import time
from contextlib import suppress
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dav.xml import DECLARED, ELEMENTS, HEAD, Attribute, Element, Name, empty, escape, parse, tags, written
from app.errors import InvalidRequestError

NAMESPACES = st.sampled_from(["", "DAV:", "urn:a", "urn:b", "http://e.example/?a=1&b='\"<>", "http://owncloud.org/ns"])
PREFIXES = st.sampled_from(["", "d", "D", "p0", "p1", "oc", "xmlish", "a.b-c"])
LOCALS = st.sampled_from(["a", "b", "prop", "Größe", "x-1.y"])
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from("\t\n<>&'\"]")
TEXTS = st.text(LETTERS, max_size=8).map(lambda text: re.sub("[\ufffe\uffff]", "", text))
NAMES = st.builds(Name, NAMESPACES, LOCALS)
ATTRIBUTES = st.lists(st.builds(Attribute, NAMES, PREFIXES, TEXTS), max_size=3, unique_by=lambda one: one.name)


def elements(children: st.SearchStrategy[list[Element | str]]) -> st.SearchStrategy[Element]:
    return st.builds(Element, NAMES, PREFIXES, ATTRIBUTES.map(tuple), st.sampled_from(["", "de", "fr"]), children)


TREES = st.recursive(
    elements(st.just([])), lambda inner: elements(st.lists(inner | TEXTS.filter(bool), max_size=4)), max_leaves=12
)
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@given(TREES)
def test_what_is_written_says_what_was_read(tree: Element) -> None:
    text = written(tree)

    outside = ET.fromstring(text)  # noqa: S314 - ours
    inside = ET.fromstring(f'{HEAD}<d:x{DECLARED} xmlns="urn:around">{text}</d:x>'.encode())[0]  # noqa: S314 - ours

    assert meaning(outside) == of_tree(tree, "")
    if not re.search(r"<[a-zA-Z]", re.sub(r"<[\w.-]+:", "", text)):  # names in no namespace would be in that around
        assert meaning(inside) == of_tree(tree, "")
    assert written(parse(text.encode())) == written(parse(written(parse(text.encode())).encode()))


def meaning(element: ET.Element) -> object:
    """Return what a reader learns: names, attributes, texts joined, in order."""
    parts: list[object] = [element.text or ""]
    for child in element:
        parts += [meaning(child), child.tail or ""]
    return element.tag, dict(element.attrib), parts


def of_tree(tree: Element, language: str) -> object:
    attributes = {qualified(one.name): one.value for one in tree.attributes}
    if tree.language != language:
        attributes[LANG] = tree.language
    parts: list[object] = [""]
    for child in tree.children:
        if isinstance(child, str):
            parts[-1] = f"{parts[-1]}{child}"
        else:
            parts += [of_tree(child, tree.language), ""]
    return qualified(tree.name), attributes, parts


def qualified(name: Name) -> str:
    return f"{{{name.namespace}}}{name.local}" if name.namespace else name.local


@given(st.text())
def test_any_text_is_harmless_once_escaped(text: str) -> None:
    body = f'<a b="{escape(text)}">{escape(text)}</a>'.encode()

    element = ET.fromstring(body)  # noqa: S314 - ours
    shown = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\ufffd", text)
    assert element.text or shown == ""


@given(st.binary(max_size=200) | st.text(alphabet="<>/a:x\"'=&;!-?[] DOCTYPE", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(InvalidRequestError):
        assert parse(body).name.local


def test_names_are_written_with_the_prefixes_that_are_declared() -> None:
    assert empty(Name("DAV:", "getetag")) == "<d:getetag/>"
    assert empty(Name("", "x")) == "<x/>"
    assert empty(Name('urn:"&', "x")) == '<p:x xmlns:p="urn:&quot;&amp;"/>'
    assert tags(Name("http://owncloud.org/ns", "size")) == ("<oc:size>", "</oc:size>")


def test_a_property_with_a_reserved_prefix_is_named_so_that_all_can_read_it() -> None:
    named = empty(parse(b"<xml:odd/>").name)

    assert ET.fromstring(named).tag == "{http://www.w3.org/XML/1998/namespace}odd"  # noqa: S314 - ours


def test_prefixes_that_clash_with_ours_cost_no_more_than_others() -> None:
    attributes = tuple(Attribute(Name(f"u{number}", "a"), f"p{number}", "") for number in range(12_000))
    begun = time.process_time()

    text = written(Element(Name("u", "x"), "", attributes, ""))

    assert time.process_time() - begun < 2  # each clash looked through all before it: that was 10 s and more
    assert len(ET.fromstring(text).attrib) == len(attributes)  # noqa: S314 - ours


def test_attributes_count_as_elements_do() -> None:
    def body(number: int) -> bytes:
        attributes = (f"a{one}=''" for one in range(number))
        return f"<a {' '.join(attributes)}/>".encode()

    assert len(parse(body(ELEMENTS - 1)).attributes) == ELEMENTS - 1
    with pytest.raises(InvalidRequestError):
        parse(body(ELEMENTS))
