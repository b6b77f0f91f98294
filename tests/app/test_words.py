"""Ids, names, ranges, dispositions and dates: plain functions against plain rules, with many inputs."""

import re
import unicodedata
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.ranges import RANGES, check_preconditions, http_date, parse_ranges, range_applies
from app.errors import AppError, InvalidRequestError, NotFoundError, PreconditionFailedError, RangeNotSatisfiableError
from app.ids import decode_id, encode_id
from app.problems import STATUS, status_of
from app.services.media import content_disposition
from app.services.names import check_name, free_name, split_path
from storage.errors import StorageError

TAGS = st.binary(min_size=5, max_size=5)
NUMBERS = st.integers(min_value=0, max_value=2**63 - 1)
TEXTS = st.text(max_size=300)


def concrete(base: type[Exception]) -> list[type[Exception]]:
    """Return every class below `base`."""
    return [kind for child in base.__subclasses__() for kind in (child, *concrete(child))]


CODES = {
    "invalid_request": 400, "chunk_mismatch": 400, "unauthenticated": 401, "totp_required": 401, "install_unknown": 401,
    "bad_signature": 403, "url_expired": 403, "forbidden": 403, "reauth_required": 403, "not_found": 404,
    "method_not_allowed": 405, "conflict": 409,
    "name_taken": 409, "limit_reached": 409, "cursor_reset": 410, "precondition_failed": 412, "too_large": 413,
    "unsupported_media_type": 415, "range_not_satisfiable": 416, "misdirected": 421, "missing_chunks": 422,
    "locked": 423,
    "rate_limited": 429, "headers_too_large": 431, "internal": 500, "timeout": 408, "unavailable": 503,
    "quota_exceeded": 507, "storage_full": 507,
}  # fmt: skip
"""The stable codes of the wire contract, each with its status."""


@pytest.mark.parametrize("kind", [*concrete(AppError), *concrete(StorageError)], ids=lambda kind: kind.__name__)
def test_every_error_has_the_status_of_its_code(kind: type[AppError | StorageError]) -> None:
    assert status_of(kind) == CODES[kind.code]


def test_every_status_belongs_to_an_error_that_exists() -> None:
    assert set(STATUS) <= {*concrete(AppError), *concrete(StorageError)}


# Ids


@given(NUMBERS, TAGS)
def test_an_id_is_read_as_it_was_written(number: int, tag: bytes) -> None:
    text = encode_id(number, tag)

    assert re.fullmatch(r"[0-9a-v]{21}", text)
    assert decode_id(text) == (number, tag)


@given(st.lists(st.tuples(NUMBERS, TAGS), min_size=2, max_size=2))
def test_the_order_of_ids_is_their_age(pairs: list[tuple[int, bytes]]) -> None:
    (one, tag), (other, other_tag) = pairs

    if one != other:
        assert (encode_id(one, tag) < encode_id(other, other_tag)) == (one < other)


@given(st.text(max_size=70))
def test_what_is_no_id_names_nothing(text: str) -> None:
    try:
        number, tag = decode_id(text)
    except NotFoundError:
        return
    assert encode_id(number, tag) == text


# Names


@given(TEXTS)
def test_a_name_is_kept_in_nfc_or_refused(text: str) -> None:
    try:
        name = check_name(text)
    except InvalidRequestError:
        return
    assert name == unicodedata.normalize("NFC", text)
    assert 1 <= len(name.encode()) <= 255
    assert name not in (".", "..")
    assert not any(char == "/" or unicodedata.category(char) in ("Cc", "Cs") for char in name)
    assert check_name(name) == name


@given(st.lists(TEXTS, max_size=5))
def test_a_path_is_split_into_its_names_or_refused(texts: list[str]) -> None:
    path = "/" + "/".join(texts)
    try:
        names = split_path(path)
    except InvalidRequestError:
        return
    assert names == [unicodedata.normalize("NFC", name) for name in path[1:].split("/") if path != "/"]


@given(st.text(alphabet="aü.(2) ", min_size=1, max_size=260), st.integers(0, 5))
def test_a_free_name_is_free_and_fits(text: str, taken: int) -> None:
    try:
        name = check_name(text)
    except InvalidRequestError:
        return
    used: set[str] = set()
    for _ in range(taken):
        used.add(free_name(name, used.__contains__))

    free = free_name(name, used.__contains__)

    assert len(used) == taken
    assert free not in used
    assert check_name(free) == free


@given(TEXTS)
def test_a_disposition_is_ascii_and_gives_the_exact_name_back(text: str) -> None:
    try:
        name = check_name(text)
    except InvalidRequestError:
        return

    value = content_disposition("attachment", name)

    match = re.fullmatch(
        r'attachment; filename="[ !#-\[\]-~]*"; filename\*=UTF-8\'\'((?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-F]{2})+)', value
    )
    assert match is not None
    assert unquote(match[1], errors="strict") == name


# Ranges

SPECS = st.one_of(
    st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: f"{pair[0]}-{pair[1]}"),
    st.integers(0, 30).map(lambda start: f"{start}-"),
    st.integers(0, 30).map(lambda count: f"-{count}"),
)


def asked(specs: list[str], size: int) -> set[int] | None:
    """Return the bytes that the specs name, as RFC 9110, 14.1.2 says; None if one of them is invalid."""
    found: set[int] = set()
    for spec in specs:
        start, _, stop = spec.partition("-")
        if start and stop and int(stop) < int(start):
            return None
        span = range(int(start), int(stop or size) + bool(stop)) if start else range(max(0, size - int(stop)), size)
        found.update(at for at in span if at < size)
    return found


@given(st.lists(SPECS, min_size=1, max_size=20), st.integers(0, 25))
def test_ranges_give_each_byte_that_was_asked_for_once(specs: list[str], size: int) -> None:
    wanted = asked(specs, size)
    try:
        spans = parse_ranges("bytes=" + ", ".join(specs), size)
    except RangeNotSatisfiableError:
        assert wanted == set()
        return
    given_ = [at for span in spans for at in range(span.start, span.stop)]

    assert len(spans) <= RANGES
    assert spans == [] if wanted is None else sorted(given_) == sorted(wanted)


@given(st.text(alphabet="bytes=0123456789-, \t;x", max_size=60), st.integers(0, 100))
def test_any_range_header_is_read_or_left_aside(header: str, size: int) -> None:
    try:
        spans = parse_ranges(header, size)
    except RangeNotSatisfiableError:
        return
    assert all(0 <= span.start < span.stop <= size for span in spans)


@given(
    st.dictionaries(
        st.sampled_from(["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"]),
        st.text(max_size=60),
    )
)
def test_any_condition_is_judged_without_a_fault(headers: dict[str, str]) -> None:
    range_applies(headers, "abc", 0)
    try:
        check_preconditions(headers, "abc", 0)
    except PreconditionFailedError:
        assert headers.keys() & {"If-Match", "If-Unmodified-Since"}


@given(st.integers(-(2**53), 2**53))
def test_any_time_has_an_http_date(time_ms: int) -> None:
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT", http_date(time_ms))
