"""Signed URLs: only what was signed passes, whole, for its purpose and in its time."""

import base64
import dataclasses
import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.base import WireEncoding
from storage.disk import LocalDisk
from storage.errors import BadSignatureError, KeyFileError, UrlExpiredError
from storage.keyring import LONGEST_LIFETIME_S, SKEW_S, Keyring
from storage.signing import LABEL, Grant, Operation, UrlSigner, pack_fields

NOW_S = 1_800_000_000
SUBJECT = "ab" * 32


class Clock:
    """Wall clock and uptime that a test sets."""

    def __init__(self) -> None:
        self.wall_s = float(NOW_S)
        self.up_s = 1000.0

    def wall(self) -> float:
        return self.wall_s

    def up(self) -> float:
        return self.up_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring.create(tmp_path / "keys", disk=LocalDisk(), now_s=NOW_S)


@pytest.fixture
def signer(keyring: Keyring, clock: Clock) -> UrlSigner:
    return UrlSigner("instance-1", keyring, clock.wall, uptime_s=clock.up)


GRANT = Grant(
    operation=Operation.PUT_CHUNK,
    subject=SUBJECT,
    size=1_048_576,
    wire_size=1_050_000,
    space="s12",
    claim="u34",
    user="56",
    generation=7,
    not_before_s=NOW_S,
    expires_s=NOW_S + 3600,
    encodings=frozenset({WireEncoding.IDENTITY, WireEncoding.ZSTD}),
    media_type="text/plain; charset=utf-8",
    disposition="attachment; filename=\"a.txt\"; filename*=UTF-8''%C3%A9.txt",
)


def test_what_was_signed_is_what_is_allowed(signer: UrlSigner) -> None:
    query = signer.sign(GRANT)

    assert signer.verify(Operation.PUT_CHUNK, SUBJECT, query) == GRANT


def test_the_query_needs_no_escaping(signer: UrlSigner) -> None:
    query = signer.sign(GRANT)

    assert set(query) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~=&")


OTHER: dict[str, object] = {
    "operation": Operation.GET_CHUNK,
    "subject": "cd" * 32,
    "size": GRANT.size + 1,
    "wire_size": GRANT.wire_size - 1,
    "space": "s13",
    "claim": "u35",
    "user": "57",
    "generation": 8,
    "not_before_s": NOW_S - 1,
    "expires_s": NOW_S + 3601,
    "encodings": frozenset({WireEncoding.IDENTITY}),
    "media_type": "text/html",
    "disposition": "inline",
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Grant)])
def test_every_field_is_under_the_mac(signer: UrlSigner, name: str) -> None:
    mac = signer.sign(GRANT).rpartition("&m=")[2]
    other = dataclasses.replace(GRANT, **{name: OTHER[name]})  # type: ignore[arg-type] # one field of any type
    forged = signer.sign(other).rpartition("&m=")[0] + "&m=" + mac

    with pytest.raises(BadSignatureError):
        signer.verify(other.operation, other.subject, forged)


def test_the_name_of_the_server_is_under_the_mac(signer: UrlSigner, keyring: Keyring, clock: Clock) -> None:
    elsewhere = UrlSigner("instance-2", keyring, clock.wall, uptime_s=clock.up)

    with pytest.raises(BadSignatureError):
        elsewhere.verify(Operation.PUT_CHUNK, SUBJECT, signer.sign(GRANT))


def test_the_mac_is_over_label_instance_key_and_all_fields_with_their_lengths(
    signer: UrlSigner, keyring: Keyring
) -> None:
    query = signer.sign(GRANT)
    items = dict(item.split("=", 1) for item in query.split("&"))
    fields = [LABEL, "instance-1", keyring.current.key_id, "put-chunk", SUBJECT]
    fields += [items[name] for name in ("z", "w", "s", "c", "u", "g", "e", "t", "d", "n", "x")]
    message = b"".join(len(field.encode()).to_bytes(4, "big") + field.encode() for field in fields)
    key = keyring.current.derive(LABEL, b"instance-1")

    expected = hmac.new(key, message, hashlib.sha256).digest()

    assert items["m"] == base64.urlsafe_b64encode(expected).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("one", "other"),
    [(["ab", "c"], ["a", "bc"]), (["a", ""], ["", "a"]), (["a"], ["a", ""]), (["\0\0\0\1a"], ["", "a"])],
)
def test_no_two_lists_of_fields_pack_alike(one: list[str], other: list[str]) -> None:
    assert pack_fields(one) != pack_fields(other)


def test_bytes_cannot_move_from_one_field_into_the_next(signer: UrlSigner) -> None:
    mac = signer.sign(dataclasses.replace(GRANT, space="ab", claim="c")).rpartition("&m=")[2]
    forged = signer.sign(dataclasses.replace(GRANT, space="a", claim="bc")).rpartition("&m=")[0] + "&m=" + mac

    with pytest.raises(BadSignatureError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, forged)


def dropped(items: list[str], at: int) -> list[str]:
    return items[:at] + items[at + 1 :]


def repeated(items: list[str], at: int) -> list[str]:
    return items[: at + 1] + items[at:]


def reordered(items: list[str], at: int) -> list[str]:
    return [items[at], *dropped(items, at)] if at else items[::-1]


def added(items: list[str], at: int) -> list[str]:
    return [*items[:at], "q=1", *items[at:]]


def altered(items: list[str], at: int) -> list[str]:
    last = items[at][-1]
    return [*items[:at], items[at][:-1] + ("1" if last != "1" else "2"), *items[at + 1 :]]


def emptied(items: list[str], at: int) -> list[str]:
    return [*items[:at], items[at].partition("=")[0] + "=", *items[at + 1 :]]


def upper(items: list[str], at: int) -> list[str]:
    return [*items[:at], items[at].replace("=", "=%", 1), *items[at + 1 :]]


def spaced(items: list[str], at: int) -> list[str]:
    return [*items[:at], items[at] + "\n", *items[at + 1 :]]


@pytest.mark.parametrize("tamper", [dropped, repeated, reordered, added, altered, emptied, upper, spaced])
@pytest.mark.parametrize("at", range(13))
def test_a_query_with_any_item_touched_is_refused(
    signer: UrlSigner, tamper: Callable[[list[str], int], list[str]], at: int
) -> None:
    query = "&".join(tamper(signer.sign(GRANT).split("&"), at))

    with pytest.raises(BadSignatureError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, query)


def test_another_spelling_of_the_same_values_is_refused(signer: UrlSigner) -> None:
    grant = dataclasses.replace(GRANT, media_type="a")  # one byte: two characters, of which the last has spare bits
    query = signer.sign(grant)
    assert "&t=YQ&" in query

    with pytest.raises(BadSignatureError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, query.replace("&t=YQ&", "&t=YR&"))


@pytest.mark.parametrize("query", ["", "m=", "k=&m=", "?", "k=a;z=1", "a" * 100_000, "é", "%6B=1"])
def test_nonsense_is_refused(signer: UrlSigner, query: str) -> None:
    with pytest.raises(BadSignatureError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, query)


def test_text_that_is_no_utf8_is_refused(signer: UrlSigner) -> None:
    query = signer.sign(dataclasses.replace(GRANT, media_type="abc")).replace("&t=YWJj&", "&t=____&")

    with pytest.raises(BadSignatureError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, query)


@pytest.mark.parametrize(
    "change",
    [
        {"space": "a&b"},
        {"claim": "a=b"},
        {"user": "é"},
        {"size": -1},
        {"wire_size": 10**16},
        {"expires_s": NOW_S + LONGEST_LIFETIME_S + 1},
        {"expires_s": NOW_S - 1},
    ],
)
def test_a_grant_that_cannot_be_said_is_not_signed(signer: UrlSigner, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"sign"):
        signer.sign(dataclasses.replace(GRANT, **change))  # type: ignore[arg-type] # one field of any type


@pytest.mark.parametrize("second", [NOW_S - SKEW_S, NOW_S, GRANT.expires_s, GRANT.expires_s + SKEW_S])
def test_a_url_is_good_within_its_time_and_the_skew(keyring: Keyring, signer: UrlSigner, second: int) -> None:
    query = signer.sign(GRANT)
    clock = Clock()
    clock.wall_s = second

    later = UrlSigner("instance-1", keyring, clock.wall, uptime_s=clock.up)

    assert later.verify(Operation.PUT_CHUNK, SUBJECT, query) == GRANT


@pytest.mark.parametrize("second", [NOW_S - SKEW_S - 1, GRANT.expires_s + SKEW_S + 1, NOW_S - 365 * 86_400])
def test_a_url_is_expired_outside_its_time(keyring: Keyring, signer: UrlSigner, second: int) -> None:
    query = signer.sign(GRANT)
    clock = Clock()
    clock.wall_s = second
    later = UrlSigner("instance-1", keyring, clock.wall, uptime_s=clock.up)

    with pytest.raises(UrlExpiredError):
        later.verify(Operation.PUT_CHUNK, SUBJECT, query)


def test_the_signature_is_looked_at_before_the_time(signer: UrlSigner, clock: Clock) -> None:
    query = signer.sign(GRANT)
    clock.wall_s += 86_400

    with pytest.raises(BadSignatureError):
        signer.verify(Operation.GET_CHUNK, SUBJECT, query)


def test_a_clock_that_jumps_back_revives_nothing(signer: UrlSigner, clock: Clock) -> None:
    query = signer.sign(GRANT)
    clock.wall_s += 3600 + SKEW_S + 1
    with pytest.raises(UrlExpiredError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, query)

    clock.wall_s -= 365 * 86_400

    with pytest.raises(UrlExpiredError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, query)


def test_a_clock_that_jumps_back_over_a_restart_revives_nothing(
    signer: UrlSigner, keyring: Keyring, clock: Clock, tmp_path: Path
) -> None:
    query = signer.sign(GRANT)
    clock.wall_s += 3600 + SKEW_S + 1
    signer.tend()
    clock.wall_s = NOW_S

    restarted = UrlSigner("instance-1", Keyring(tmp_path / "keys", disk=LocalDisk()), clock.wall, uptime_s=clock.up)

    with pytest.raises(UrlExpiredError):
        restarted.verify(Operation.PUT_CHUNK, SUBJECT, query)


def test_time_goes_on_while_the_wall_clock_is_behind(signer: UrlSigner, clock: Clock) -> None:
    signer.now_s()
    clock.wall_s -= 365 * 86_400
    clock.up_s += 100

    assert signer.now_s() == NOW_S + 100


def test_urls_stay_good_over_a_rotation(signer: UrlSigner, keyring: Keyring) -> None:
    query = signer.sign(GRANT)

    keyring.rotate(NOW_S)

    assert signer.verify(Operation.PUT_CHUNK, SUBJECT, query) == GRANT
    assert signer.sign(GRANT) != query


def test_a_rotation_at_once_voids_every_url(signer: UrlSigner, keyring: Keyring) -> None:
    query = signer.sign(GRANT)

    keyring.rotate(NOW_S, void_old=True)

    with pytest.raises(BadSignatureError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, query)
    assert signer.verify(Operation.PUT_CHUNK, SUBJECT, signer.sign(GRANT)) == GRANT


def test_a_rotation_by_another_process_is_seen_at_the_next_url(signer: UrlSigner, tmp_path: Path) -> None:
    query = signer.sign(GRANT)

    Keyring(tmp_path / "keys", disk=LocalDisk()).rotate(NOW_S, void_old=True)

    with pytest.raises(BadSignatureError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, query)


def test_without_its_keys_the_server_signs_and_accepts_nothing(signer: UrlSigner, tmp_path: Path) -> None:
    query = signer.sign(GRANT)
    for path in (tmp_path / "keys").glob("*.key"):
        path.unlink()

    with pytest.raises(KeyFileError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, query)
    with pytest.raises(KeyFileError):
        signer.sign(GRANT)


def test_a_url_signed_with_the_empty_key_is_refused(signer: UrlSigner) -> None:
    head = signer.sign(GRANT).rpartition("&m=")[0]
    mac = hmac.new(b"", head.encode(), hashlib.sha256).digest()
    text = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    with pytest.raises(BadSignatureError):
        signer.verify(Operation.PUT_CHUNK, SUBJECT, f"{head}&m={text}")
