"""XML in and out. Alone imports the parser: expat of the standard library, which is told to refuse what is not needed.

A body is read with a bound on its bytes, depth and elements, and no DOCTYPE, so that nothing in it can grow
(security.md, I5). What goes out is put together from text that `escape` made harmless, without a tree of it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from app.errors import InvalidRequestError, UnsupportedMediaTypeError

DAV: Final = "DAV:"
OC: Final = "http://owncloud.org/ns"
NC: Final = "http://nextcloud.org/ns"
WIN32: Final = "urn:schemas-microsoft-com:"
PREFIXES: Final[Mapping[str, str]] = {
    DAV: "d",
    OC: "oc",
    NC: "nc",
    "http://sabredav.org/ns": "s",
    "http://open-collaboration-services.org/ns": "x1",
    "http://open-cloud-mesh.org/ns": "x2",
    WIN32: "z",
}
"""The prefixes of what goes out: there are programs that compare them as text (nextcloud-clients.md, 1.8)."""
DECLARED: Final = "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in PREFIXES.items())
HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n'

BODY: Final = 256 * 1024
DEPTH: Final = 32
ELEMENTS: Final = 5_000
"""Elements of a body, each attribute counted as one more."""
_NAMESPACE_OF_XML = "http://www.w3.org/XML/1998/namespace"
_BORDER = "\x1f"  # between the parts of a name as expat gives it; it stands in no XML
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile(r"[^ !#-%'-;=?-~]")
"""Whatever is more than plain ASCII, and more than must change: such a class is searched in half the time."""
_TYPES = ("application/xml", "text/xml")


@dataclass(frozen=True, slots=True)
class Name:
    """The name of an element: its namespace ("" for none) and its local name."""

    namespace: str
    local: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an element."""

    name: Name
    prefix: str
    value: str


@dataclass(slots=True)
class Element:
    """An element as it was sent; comments and processing instructions are left out.

    Attributes:
        prefix: as the sender wrote it; "" for none.
        language: the xml:lang that holds here, "" for none.
        children: texts and elements, in order.
    """

    name: Name
    prefix: str
    attributes: tuple[Attribute, ...]
    language: str
    children: list["Element | str"] = field(default_factory=list)

    def elements(self) -> Iterator["Element"]:
        """Yield the elements in it, its texts left out: senders put odd things between them."""
        return (child for child in self.children if isinstance(child, Element))

    def first(self, local: str, namespace: str = DAV) -> "Element | None":
        """Return the first element of this name in it."""
        name = Name(namespace, local)
        return next((child for child in self.elements() if child.name == name), None)

    @property
    def text(self) -> str:
        """The text in it, without that of elements in it."""
        return "".join(child for child in self.children if isinstance(child, str))


def parse(body: bytes) -> Element:
    """Return the outermost element of a body.

    Raises:
        InvalidRequestError: it is no well-formed XML with namespaces, has a DOCTYPE, or is larger than is read.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)  # noqa: FBT003 - it takes no keyword
    except expat.ExpatError as error:
        raise InvalidRequestError(f"The body is no well-formed XML: {expat.ErrorString(error.code)}.") from error
    except (LookupError, ValueError) as error:  # an encoding that is not known, or is none of text
        raise InvalidRequestError("The body is no XML in a known encoding: send UTF-8.") from error
    if reader.root is None:
        raise InvalidRequestError("The body holds no element.")
    return reader.root


def require_xml(content_type: str) -> None:
    """Refuse a body that says that it is something else than XML; one that says nothing may be.

    Raises:
        UnsupportedMediaTypeError: it does.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type and media_type not in _TYPES and not media_type.endswith("+xml"):
        raise UnsupportedMediaTypeError("This call takes XML: send it with 'Content-Type: application/xml'.")


def escape(text: str) -> str:
    """Return a text as it stands in XML, in an element or an attribute; what no XML can hold becomes U+FFFD."""
    if _SPECIAL.search(text) is None:  # most of what is written
        return text
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    text = text.replace("\r", "&#13;")
    return _NOT_XML.sub("�", text)


def empty(name: Name) -> str:
    """Return an element without content, with a prefix that is declared."""
    known = PREFIXES.get(name.namespace)
    if known is not None:
        return f"<{known}:{name.local}/>"
    if not name.namespace:
        return f"<{name.local}/>"
    if name.namespace == _NAMESPACE_OF_XML:  # which has this prefix, and may have no other
        return f"<xml:{name.local}/>"
    return f'<p:{name.local} xmlns:p="{escape(name.namespace)}"/>'


def tags(name: Name) -> tuple[str, str]:
    """Return start and end tag of an element of a known namespace."""
    known = f"{PREFIXES[name.namespace]}:{name.local}"
    return f"<{known}>", f"</{known}>"


def written(element: Element) -> str:
    """Return an element as XML that is well-formed by itself: it declares each prefix it uses, and its language."""
    return "".join(_write(element, {"xml": _NAMESPACE_OF_XML}, ""))


def _write(element: Element, above: Mapping[str, str], language: str) -> Iterator[str]:
    names = _Prefixes(above)
    label = names.label(element.name, element.prefix)
    attributes = [
        f" {names.label(attribute.name, attribute.prefix)}={_quoted(attribute.value)}"
        for attribute in element.attributes
        if attribute.name != Name(_NAMESPACE_OF_XML, "lang")
    ]
    if element.language != language:
        attributes.append(f" xml:lang={_quoted(element.language)}")
    start = f"<{label}{''.join(names.declared)}{''.join(attributes)}"
    if not element.children:
        yield f"{start}/>"
        return
    yield f"{start}>"
    for child in element.children:
        if isinstance(child, str):
            yield escape(child)
        else:
            yield from _write(child, names.scope, element.language)
    yield f"</{label}>"


class _Prefixes:
    """The prefixes of one element's names; those that are not declared above it are declared on it.

    The default namespace is never used: what stands around an element in an answer could change what it means.
    """

    def __init__(self, above: Mapping[str, str]) -> None:
        """Begin with what holds above; namespaces by prefix."""
        self.scope = dict(above)
        self.declared: list[str] = []
        self._used: set[str] = set()
        self._made = 0

    def label(self, name: Name, prefix: str) -> str:
        """Return a name with a prefix that stands for its namespace: the sender's, if that is free on this element."""
        if not name.namespace:
            return name.local
        if self.scope.get(prefix) != name.namespace:
            fitting = (known for known, namespace in self.scope.items() if namespace == name.namespace)
            prefix = self._declare(name.namespace, prefix) if prefix else next(fitting, "")
            prefix = prefix or self._declare(name.namespace, "")
        self._used.add(prefix)
        return f"{prefix}:{name.local}"

    def _declare(self, namespace: str, prefix: str) -> str:
        while not prefix or prefix in self._used or prefix.lower().startswith("xml"):
            prefix, self._made = f"p{self._made}", self._made + 1
        self.scope[prefix] = namespace
        self.declared.append(f" xmlns:{prefix}={_quoted(namespace)}")
        return prefix


def _quoted(value: str) -> str:
    return quoteattr(_NOT_XML.sub("�", value), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


class _Reader:
    """Builds the tree of a body, and stops as soon as it is more than is read."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.parser = expat.ParserCreate(namespace_separator=_BORDER)
        self.parser.namespace_prefixes = True
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _refuse_doctype
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def _begin(self, label: str, attributes: dict[str, str]) -> None:
        self._count += 1 + len(attributes)
        if len(self._open) >= DEPTH or self._count > ELEMENTS:
            raise InvalidRequestError(
                f"The body has more than {ELEMENTS} elements and attributes, or over {DEPTH} elements in each other."
            )
        name, prefix = _parts(label)
        given = tuple(Attribute(*_parts(key), value) for key, value in attributes.items())
        own = next((one.value for one in given if one.name == Name(_NAMESPACE_OF_XML, "lang")), None)
        above = self._open[-1] if self._open else None
        language = own if own is not None else above.language if above is not None else ""
        element = Element(name, prefix, given, language)
        if above is None:
            self.root = element
        else:
            above.children.append(element)
        self._open.append(element)

    def _end(self, _label: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].children.append(text)


def _parts(label: str) -> tuple[Name, str]:
    """Return name and prefix of what expat calls `namespace local prefix`, `namespace local`, or `local`."""
    parts = label.split(_BORDER)
    if len(parts) == 1:
        return Name("", parts[0]), ""
    return Name(parts[0], parts[1]), parts[2] if len(parts) > 2 else ""  # noqa: PLR2004 - one of three forms


def _refuse_doctype(*_: object) -> None:
    raise InvalidRequestError("The body has a DOCTYPE: that is not taken.")
