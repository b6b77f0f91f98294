"""Headers of WebDAV, as its programs write them and as nobody should."""

from collections.abc import Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from app.dav import headers
from app.dav.headers import Checksum, Depth
from app.errors import InvalidRequestError


def asked(**given: str) -> web.Request:
    sent = {name.replace("_", "-"): value for name, value in given.items()}
    return make_mocked_request("MOVE", "/dav/a", headers=sent)


def test_depth() -> None:
    assert [headers.depth_of(asked(Depth=value)) for value in ("0", "1", " Infinity ")] == list(Depth)
    assert headers.depth_of(asked()) is Depth.INFINITY
    assert headers.depth_of(asked(), Depth.ZERO) is Depth.ZERO


def test_overwrite_is_wished_unless_it_is_not() -> None:
    assert all(headers.overwrites(asked(Overwrite=value)) for value in ("T", "t", "true"))
    assert not any(headers.overwrites(asked(Overwrite=value)) for value in ("F", "f"))
    assert headers.overwrites(asked())


def test_the_first_life_of_a_lock_that_is_understood_counts() -> None:
    for value, seconds in (
        ("Second-60", 60),
        ("second-0", 1),
        ("Infinite, Second-4100000000", None),
        ("Extend, Second-30", 30),
        ("nonsense", None),
        ("", None),
    ):
        assert headers.timeout_s(asked(Timeout=value)) == seconds, value
    assert headers.timeout_s(asked()) is None


def test_times_come_in_seconds_with_or_without_a_fraction() -> None:
    for value, time_ms in (("1795467870", 1_795_467_870_000), ("1795467870.123", 1_795_467_870_123), ("0", None)):
        assert headers.oc_time_ms(asked(X_OC_Mtime=value)) == time_ms
    assert headers.oc_time_ms(asked()) is None


def test_checksums_and_lengths() -> None:
    assert headers.oc_checksum_of(asked(OC_Checksum="sha1:AB12")) == Checksum("SHA1", "ab12")
    assert headers.oc_total_length_of(asked(OC_Total_Length="12")) == 12
    assert headers.oc_checksum_of(asked()) is None
    assert headers.oc_total_length_of(asked()) is None


def test_a_lock_token_stands_in_angle_brackets() -> None:
    assert headers.lock_token_of(asked(Lock_Token="<opaquelocktoken:x>")) == "opaquelocktoken:x"


@pytest.mark.parametrize(
    ("read", "name", "values"),
    [
        (headers.depth_of, "Depth", ("2", "", "one")),
        (headers.overwrites, "Overwrite", ("", "yes", "TF")),
        (headers.oc_time_ms, "X-OC-Mtime", ("", "x", "nan", "inf", "1e300", "0x10")),
        (headers.oc_checksum_of, "OC-Checksum", ("", "abc", "SHA1:", "SHA1:xyz", ":ab", "SHA1:" + "a" * 200)),
        (headers.oc_total_length_of, "OC-Total-Length", ("", "-1", "x", "9" * 16, "\u0661")),
        (headers.lock_token_of, "Lock-Token", ("", "x", "<>", "<a b>", "<a><b>")),
    ],
)
def test_what_means_nothing_is_refused(
    read: Callable[[web.Request], object], name: str, values: tuple[str, ...]
) -> None:
    for value in values:
        with pytest.raises(InvalidRequestError):
            read(make_mocked_request("MOVE", "/dav/a", headers={name: value}))
