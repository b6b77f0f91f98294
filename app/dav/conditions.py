"""The `If` header (RFC 4918, 10.4): its whole grammar, and whether it holds. Pure: it asks for states, and reads none.

The header is a list of lists, each of conditions on one resource: the one that a tag before it names, or else the one
that the request is for. The header holds if all conditions of one list do. Apart from that, whoever names a lock's
token submits it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from app.errors import InvalidRequestError
from app.services.lock_state import State

CONDITIONS = 256
RESOURCES = 32

_URI_CHARACTERS = r"(?:[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})"
_SPACE = re.compile(r"[ \t]*")
_SCHEME = r"[A-Za-z][A-Za-z0-9+\-.]*:"
_TAG = re.compile(rf"<((?:{_SCHEME}|/){_URI_CHARACTERS}*)>")
_TOKEN = re.compile(rf"<({_SCHEME}{_URI_CHARACTERS}+)>")
# What may stand in an entity tag: no control character, no quote (RFC 9110, 8.8.3). Only a strong one ever matches.
_ETAG = re.compile(r'\[[ \t]*(W/)?"([^\x00-\x20"\x7f]*)"[ \t]*\]')
_NOT = re.compile(r"not(?=[ \t<\[])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: a state token, or else an entity tag, that the resource has; or has not, if `negated`."""

    token: str | None = None
    etag: str | None = None
    weak: bool = False
    negated: bool = False

    def holds(self, state: State) -> bool:
        """Tell whether it is so."""
        is_there = self.token in state.tokens if self.token is not None else self._is_etag(state)
        return is_there is not self.negated

    def _is_etag(self, state: State) -> bool:
        return not self.weak and self.etag is not None and self.etag == state.etag


@dataclass(frozen=True, slots=True)
class ConditionList:
    """Conditions that have to hold together.

    Attributes:
        resource: the absolute URI or path that was named before it; None for that of the request.
    """

    conditions: tuple[Condition, ...]
    resource: str | None = None

    def holds(self, state: State) -> bool:
        """Tell whether all of them hold."""
        return all(condition.holds(state) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Conditions:
    """A whole header."""

    lists: tuple[ConditionList, ...]

    @property
    def tokens(self) -> frozenset[str]:
        """The state tokens that are submitted by it; what a resource is said *not* to have is not shown as held."""
        found = (condition for each in self.lists for condition in each.conditions if not condition.negated)
        return frozenset(condition.token for condition in found if condition.token is not None)

    @property
    def resources(self) -> frozenset[str | None]:
        """What it is about."""
        return frozenset(each.resource for each in self.lists)

    def holds(self, look: Callable[[str | None], State]) -> bool:
        """Tell whether one of the lists holds; `look` gives the state of a resource, None for the request's own.

        It is asked for each resource once: hundreds of lists may be about one.
        """
        states: dict[str | None, State] = {}
        for each in self.lists:
            if each.resource not in states:
                states[each.resource] = look(each.resource)
            if each.holds(states[each.resource]):
                return True
        return False


def parse_conditions(header: str) -> Conditions:
    """Return what an `If` header says.

    Raises:
        InvalidRequestError: it is not one, or has more conditions or resources than are looked at.
    """
    return _Parser(header).parse()


class _Parser:
    """Reads from left to right, each character once."""

    def __init__(self, header: str) -> None:
        self._text = header
        self._at = 0
        self._left = CONDITIONS

    def parse(self) -> Conditions:
        self._skip()
        tag = self._tag()
        is_tagged = tag is not None
        lists = [self._list(tag)]
        while self._at < len(self._text):
            if self._peek() != "(":
                if not is_tagged:
                    raise self._malformed("a list")
                tag = self._tag()
            lists.append(self._list(tag))
        found = Conditions(tuple(lists))
        if len(found.resources) > RESOURCES:
            raise InvalidRequestError(f"The If header may name {RESOURCES} resources.")
        return found

    def _tag(self) -> str | None:
        """Return a resource tag; None where a list begins right away."""
        if self._peek() == "(":
            return None
        return self._match(_TAG, "a resource or a list")[1]

    def _list(self, resource: str | None) -> ConditionList:
        self._expect("(")
        conditions = [self._condition()]
        while self._peek() != ")":
            conditions.append(self._condition())
        self._expect(")")
        return ConditionList(tuple(conditions), resource)

    def _condition(self) -> Condition:
        if not self._left:
            raise InvalidRequestError(f"The If header may have {CONDITIONS} conditions.")
        self._left -= 1
        negated = _NOT.match(self._text, self._at)
        if negated is not None:
            self._at = negated.end()
            self._skip()
        if self._peek() == "[":
            weak, etag = self._match(_ETAG, "an entity tag").group(1, 2)
            return Condition(etag=etag, weak=weak is not None, negated=negated is not None)
        return Condition(token=self._match(_TOKEN, "a token or an entity tag")[1], negated=negated is not None)

    def _match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._malformed(what)
        self._at = found.end()
        self._skip()
        return found

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise self._malformed(repr(character))
        self._at += 1
        self._skip()

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        self._at = self._at if found is None else found.end()

    def _malformed(self, what: str) -> InvalidRequestError:
        return InvalidRequestError(f"The If header is malformed: {what} is missing at character {self._at + 1}.")
