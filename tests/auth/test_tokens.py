import hashlib

import pytest

from app.auth import tokens

DEVICE = "000000000001a0b1c2d3e"


def test_a_token_proves_itself_against_the_digest_that_is_kept() -> None:
    secret = tokens.make_secret()

    presented = tokens.read(tokens.write(DEVICE, secret))

    assert presented is not None
    assert presented.public_id == DEVICE
    assert presented.proves(tokens.digest_of(secret))
    assert not presented.proves(tokens.digest_of(tokens.make_secret()))
    assert not presented.proves(b"")
    assert not presented.proves(None)


def test_a_secret_has_256_bits_and_only_its_sha256_is_kept() -> None:
    secrets = {tokens.make_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {43}
    assert tokens.digest_of("x") == hashlib.sha256(b"x").digest()


def test_a_secret_with_the_separator_in_it_is_read_whole() -> None:
    secret = "_" * 43

    presented = tokens.read(tokens.write(DEVICE, secret))

    assert presented is not None
    assert presented.proves(tokens.digest_of(secret))


@pytest.mark.parametrize(
    "token",
    [
        "",
        "cairn",
        "cairn__",
        f"cairn_{DEVICE}_",
        f"cairn_{DEVICE}_{'a' * 42}",
        f"cairn_{DEVICE}_{'a' * 44}",
        f"cairn_{DEVICE}_{'a' * 42}=",
        f"cairn_{DEVICE}_{'é' * 43}",
        f"CAIRN_{DEVICE}_{'a' * 43}",
        f"cairn_{DEVICE.upper()}_{'a' * 43}",
        f"cairn_{'a' * 65}_{'a' * 43}",
        f"cairn__{'a' * 43}",
        f" cairn_{DEVICE}_{'a' * 43}",
        f"cairn_{DEVICE}_{'a' * 43}\n",
    ],
)
def test_what_has_not_the_form_of_a_token_is_none(token: str) -> None:
    assert tokens.read(token) is None
