"""The `If` header: RFC 4918's own examples, every malformed kind, and that whatever is written is read as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dav.conditions import CONDITIONS, RESOURCES, Condition, ConditionList, Conditions, parse_conditions
from app.errors import InvalidRequestError
from app.services.lock_state import ABSENT, State

ONE = "urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2"
TWO = "urn:uuid:58f202ac-22cf-11d1-b12d-002035b29092"
OLD = "opaquelocktoken:f81de2ad-7f3d-a1b2-4f3c-00a0c91a9d76"


def holds(header: str, state: State, **others: State) -> bool:
    """Tell whether a header holds; `others` are resources named by their last name."""
    return parse_conditions(header).holds(
        lambda resource: state if resource is None else others.get(resource.rpartition("/")[2], ABSENT)
    )


# The examples of RFC 4918, 10.4.6 to 10.4.11


def test_one_list_without_a_tag_is_about_the_request() -> None:
    header = f'(<{ONE}> ["I am an ETag"]) (["I am another ETag"])'.replace("I am an ETag", "an-etag")

    found = parse_conditions(header.replace("I am another ETag", "another-etag"))

    assert found.resources == {None}
    assert found.tokens == {ONE}
    assert found.holds(lambda _: State("an-etag", frozenset({ONE})))
    assert found.holds(lambda _: State("another-etag"))
    assert not found.holds(lambda _: State("an-etag"))
    assert not found.holds(lambda _: ABSENT)


def test_not_turns_one_condition_around() -> None:
    header = f"(Not <{ONE}> <{TWO}>)"

    assert holds(header, State("e", frozenset({TWO})))
    assert not holds(header, State("e", frozenset({ONE, TWO})))
    assert not holds(header, State("e"))
    assert parse_conditions(header).tokens == {TWO}


def test_no_lock_never_holds_and_its_opposite_always() -> None:
    header = f"(<{ONE}>) (Not <DAV:no-lock>)"

    assert holds(header, ABSENT)
    assert not holds("(<DAV:no-lock>)", State("e", frozenset({ONE})))
    assert parse_conditions(header).tokens == {ONE}


def test_tagged_lists_are_about_their_own_resources() -> None:
    header = f'</resource1> (<{ONE}> [W/"A weak ETag"]) (["strong"])'.replace("A weak ETag", "weak")

    found = parse_conditions(header)

    assert [each.resource for each in found.lists] == ["/resource1", "/resource1"]
    assert holds(header, ABSENT, resource1=State("strong"))
    assert not holds(header, State("strong"), resource1=ABSENT)
    assert not holds(header, ABSENT, resource1=State("weak", frozenset({ONE})))  # a weak one matches nothing


def test_a_list_of_any_resource_is_enough() -> None:
    header = f'<http://www.example.com/specs/> (<{ONE}>)</x/other>(["e"])'

    assert holds(header, ABSENT, other=State("e"))
    assert not holds(header, State("e"), other=State("f"))


def test_each_resource_is_looked_at_once_however_many_lists_are_about_it() -> None:
    looked: list[str | None] = []

    def look(resource: str | None) -> State:
        looked.append(resource)
        return ABSENT

    assert not parse_conditions("(<a:b>)" * CONDITIONS).holds(look)
    assert not parse_conditions("</x>(<a:b>)(<a:c>)</y>(<a:b>)</x>(<a:d>)").holds(look)
    assert looked == [None, "/x", "/y"]


def test_what_is_not_there_has_neither_token_nor_etag() -> None:
    assert holds('</rfc2518.doc> (Not ["4217"])', ABSENT)
    assert not holds('</rfc2518.doc> (["4217"])', ABSENT)


@pytest.mark.parametrize(
    "header",
    [
        f"(<{ONE}>)",
        f"( <{ONE}> )",
        f' \t(<{ONE}>\t["e"]) ',
        f"(<{ONE}>)(<{TWO}>)",
        f"(nOt<{ONE}>)",
        '(NOT["e"])',
        '([ "e" ])',
        '([""])',
        f"(<{OLD}>)",
        f"<http://[::1]:8080/dav/a%20b.txt>(<{ONE}>)",
        f"</dav/a?b=c> (<{ONE}>) </dav/d> (<{TWO}>) (Not <{OLD}>)",
    ],
)  # fmt: skip
def test_what_the_grammar_allows_is_read(header: str) -> None:
    assert parse_conditions(header).lists


MALFORMED = [
    "",
    " ",
    "()",
    "( )",
    "(",
    ")",
    f"(<{ONE}>",
    f"<{ONE}>",
    f"(<{ONE}>))",
    f"((<{ONE}>))",
    f"(<{ONE}>) trailing",
    f"(<{ONE}>),(<{TWO}>)",
    f"({ONE})",
    f"(<{ONE})",
    f"(< {ONE}>)",
    f"(<{ONE} >)",
    "(<>)",
    "(<no-scheme>)",
    "(</path>)",
    "(<:x>)",
    "(<urn:>)",
    "(<1urn:x>)",
    f"(<{ONE}#fragment>)",
    "(<urn:a b>)",
    "(<urn:a\x00b>)",
    "(<urn:ä>)",
    "(<urn:%zz>)",
    "(Not)",
    "(Not Not <urn:x>)",
    "(No <urn:x>)",
    "(Notx <urn:x>)",
    "Not (<urn:x>)",
    "(Not (<urn:x>))",
    "([])",
    "([e])",
    '(["e])',
    '([e"])',
    '(["e"',
    '(["e"x])',
    '(w/"e")',
    '([w/"e"])',
    '([W/ "e"])',
    '("e")',
    '(["a"b"])',
    '(["a b"])',
    '(["e"]])',
    "</a>",
    "</a> </b> (<urn:x>)",
    "<a> (<urn:x>)",
    "<> (<urn:x>)",
    "</a (<urn:x>)",
    "</a b> (<urn:x>)",
    f"(<{ONE}>) </a> (<{TWO}>)",  # tagged and untagged lists do not go together
    "</a> (<urn:x>) b",
    "*",
    '"e"',
    "\n(<urn:x>)",
    "(<urn:x>)\x0b",
]


@pytest.mark.parametrize("header", MALFORMED)
def test_what_is_malformed_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequestError):
        parse_conditions(header)


def test_no_more_conditions_and_resources_are_taken_than_are_looked_at() -> None:
    most = "(" + "<urn:x>" * CONDITIONS + ")"
    tagged = "".join(f"</{number}>(<urn:x>)" for number in range(RESOURCES))

    assert len(parse_conditions(most).lists[0].conditions) == CONDITIONS
    assert len(parse_conditions(tagged).resources) == RESOURCES
    for header in ("(" + "<urn:x>" * (CONDITIONS + 1) + ")", "(<urn:x>)" * (CONDITIONS + 1), tagged + "</a>(<urn:x>)"):
        with pytest.raises(InvalidRequestError):
            parse_conditions(header)


# Properties

TOKENS = st.sampled_from([ONE, TWO, OLD, "DAV:no-lock", "x:%20"])
ETAGS = st.text(st.sampled_from("abz019!#-~(<[\\"), max_size=4)
CONDITION = st.builds(Condition, token=TOKENS, negated=st.booleans()) | st.builds(
    Condition, etag=ETAGS, weak=st.booleans(), negated=st.booleans()
)
LISTS = st.lists(CONDITION, min_size=1, max_size=4).map(tuple)
UNTAGGED = st.lists(st.builds(ConditionList, LISTS), min_size=1, max_size=4)
TAGGED = st.lists(
    st.builds(ConditionList, LISTS, st.sampled_from(["/", "/a", "/b%C3%A4/", "http://h:1/a", "https://h/?q"])),
    min_size=1,
    max_size=4,
)
HEADERS = (UNTAGGED | TAGGED).map(lambda lists: Conditions(tuple(lists)))
SPACES = st.sampled_from(["", " ", "\t", "  "])
STATES = st.builds(
    State, st.none() | st.sampled_from(["a", "b", "0"]), st.frozensets(st.sampled_from([ONE, TWO, OLD]), max_size=3)
)


def written(conditions: Conditions, space: str, *, repeat_tags: bool) -> str:
    """Write a header as a client may."""
    parts, before = list[str](), None
    for each in conditions.lists:
        if each.resource is not None and (repeat_tags or each.resource != before):
            parts.append(f"<{each.resource}>")
        before = each.resource
        parts.append("(")
        for condition in each.conditions:
            if condition.negated:
                parts.append("Not")
            weak = "W/" if condition.weak else ""
            parts.append(f"<{condition.token}>" if condition.token is not None else f'[{weak}"{condition.etag}"]')
        parts.append(")")
    return space.join(parts)


@given(HEADERS, SPACES, st.booleans())
def test_a_header_is_read_as_it_was_written(conditions: Conditions, space: str, repeat: bool) -> None:  # noqa: FBT001 - drawn
    assert parse_conditions(written(conditions, space, repeat_tags=repeat)) == conditions


@given(HEADERS, st.dictionaries(st.none() | st.sampled_from(["/", "/a", "http://h:1/a"]), STATES))
def test_it_holds_as_the_grammar_says(conditions: Conditions, states: dict[str | None, State]) -> None:
    def is_so(condition: Condition, state: State) -> bool:
        if condition.token is not None:
            found = condition.token in state.tokens
        else:
            found = not condition.weak and condition.etag == state.etag
        return not found if condition.negated else found

    expected = False
    for each in conditions.lists:
        state = states.get(each.resource, ABSENT)
        expected = expected or all(is_so(condition, state) for condition in each.conditions)

    assert conditions.holds(lambda resource: states.get(resource, ABSENT)) is expected


@given(st.text(st.sampled_from('()<>[]"/ Nnot:urnW\t.a%20'), max_size=60))
def test_any_text_is_read_or_refused_and_what_is_read_is_no_other(header: str) -> None:
    try:
        found = parse_conditions(header)
    except InvalidRequestError:
        return
    assert parse_conditions(written(found, " ", repeat_tags=False)) == found


@given(HEADERS, st.data())
def test_one_character_less_is_another_header_or_none(conditions: Conditions, data: st.DataObject) -> None:
    header = written(conditions, "", repeat_tags=False)
    at = data.draw(st.integers(0, len(header) - 1))
    try:
        found = parse_conditions(header[:at] + header[at + 1 :])
    except InvalidRequestError:
        return
    assert found != conditions
