"""Codes of second factors against the vectors of RFC 6238, appendix B (their last six digits)."""

import pytest

from app.auth import totp

SECRET = b"12345678901234567890"
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("now_s", "code"), VECTORS)
def test_the_vectors_of_the_rfc_hold(now_s: int, code: str) -> None:
    assert totp.code_at(SECRET, now_s // 30) == code
    assert totp.step_of(SECRET, f"{code[:3]} {code[3:]}", now_s=now_s, after=0) == now_s // 30


@pytest.mark.parametrize(("off", "counts"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_code_counts_one_step_either_side(off: int, *, counts: bool) -> None:
    found = totp.step_of(SECRET, totp.code_at(SECRET, 1000 + off), now_s=30_000 + 29, after=0)

    assert found == (1000 + off if counts else None)


def test_a_step_that_was_used_and_those_before_it_count_no_more() -> None:
    for step in (999, 1000, 1001):
        found = totp.step_of(SECRET, totp.code_at(SECRET, step), now_s=30_000, after=1000)
        assert found == (1001 if step == 1001 else None)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "\u0661" * 6, "1" * 10_000])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert totp.step_of(SECRET, typed, now_s=59, after=0) is None


def test_recovery_codes_are_ten_of_80_bits_and_read_however_they_are_typed() -> None:
    codes = totp.make_recovery_codes()

    assert len(set(codes)) == 10
    for code in codes:
        assert len(code.replace("-", "")) * 5 == 80
        assert totp.digest_of_recovery(code.upper().replace("-", " ")) == totp.digest_of_recovery(code)
    for typed in ("", "1234-5678-9012-3456", codes[0][:-1], "a" * 10_000):
        assert totp.digest_of_recovery(typed) is None


def test_the_uri_escapes_what_people_are_called() -> None:
    uri = totp.uri_of(SECRET, username="ada@home", issuer="Our Cairn")

    assert uri == f"otpauth://totp/Our%20Cairn:ada%40home?secret={totp.write_secret(SECRET)}&issuer=Our%20Cairn"
