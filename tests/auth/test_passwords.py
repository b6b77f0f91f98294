import asyncio
import re
import time
from collections.abc import Iterator
from importlib import resources

import pytest

from app.auth.passwords import MAX_SIZE, PARALLEL, QUEUE, Cost, PasswordHasher, check_policy, is_too_long
from app.errors import InvalidRequestError, UnavailableError

NAMES = ("anna.lindqvist", "Family Cloud")


@pytest.fixture
def hasher() -> Iterator[PasswordHasher]:
    made = PasswordHasher()
    yield made
    made.close()


@pytest.mark.parametrize(
    "password",
    [
        "abcdefghij9",
        "ten chars!",
        "correct horse battery staple",
        "  spaces around  ",
        "zzzzzzzzzzzzzz",  # no rule of composition
        "пароль-для-нас",
        "🐢🐢🐢🐢🐢🐢🐢🐢🐢🐢",
        "a\tb\nc\x00defgh",
        "x" * 256,
        "é" * 256,
        "🐢" * 256,
    ],
)
def test_a_good_password_is_taken(password: str) -> None:
    check_policy(password, NAMES)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "at least 10"),
        ("ninechars", "at least 10"),
        ("🐢" * 9, "at least 10"),
        ("x" * 257, "at most 256"),
        ("x" * (1024 * 1024), "at most 256"),
        ("qwertyuiop", "commonest"),
        ("1234567890", "commonest"),
        ("Password123", "commonest"),
        ("anna.lindqvist", "name of the user"),
        ("ANNA.Lindqvist", "name of the user"),
        ("family cloud", "name of the user"),
        ("passwort-m\udcfcnchen", "Unicode text"),
    ],
)
def test_a_bad_password_is_refused_with_the_reason(password: str, reason: str) -> None:
    with pytest.raises(InvalidRequestError, match=reason):
        check_policy(password, NAMES)


def test_no_password_of_256_characters_exceeds_the_size_limit() -> None:
    assert len(("🐢" * 256).encode()) == MAX_SIZE
    assert not is_too_long("🐢" * 256)
    assert is_too_long("x" * 257)


def test_the_list_holds_ten_thousand_passwords_that_length_alone_would_admit() -> None:
    listed = resources.files("app.auth").joinpath("common_passwords.txt").read_text("utf-8").splitlines()

    assert len(set(listed)) == 10_000
    assert min(map(len, listed)) == 10
    assert all(password == password.casefold() for password in listed)


async def test_a_hash_is_a_phc_string_of_argon2id_with_46_mib_and_a_salt_of_its_own(hasher: PasswordHasher) -> None:
    first, second = await hasher.hash("correct horse"), await hasher.hash("correct horse")

    form = r"\$argon2id\$v=19\$m=47104,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}"
    assert re.fullmatch(form, first)
    assert re.fullmatch(form, second)
    assert first.split("$")[4] != second.split("$")[4]


async def test_only_the_very_same_password_matches(hasher: PasswordHasher) -> None:
    encoded = await hasher.hash("Correct horse ")

    assert await hasher.verify("Correct horse ", encoded)
    assert not await hasher.verify("Correct horse", encoded)
    assert not await hasher.verify("correct horse ", encoded)
    assert not await hasher.verify("", encoded)


async def test_a_decoy_looks_like_a_hash_and_matches_nothing(hasher: PasswordHasher) -> None:
    decoy, real = hasher.decoy(), await hasher.hash("correct horse")

    assert [len(part) for part in decoy.split("$")] == [len(part) for part in real.split("$")]
    assert hasher.decoy() != decoy
    assert not await hasher.verify("correct horse", decoy)


async def test_a_decoy_is_as_dear_to_check_as_a_hash(hasher: PasswordHasher) -> None:
    decoy, real = hasher.decoy(), await hasher.hash("correct horse")

    async def cost(encoded: str) -> float:
        before = time.process_time()  # of all threads, whatever else this machine does
        await hasher.verify("wrong horse", encoded)
        return time.process_time() - before

    costs = [(await cost(decoy), await cost(real)) for _ in range(5)]

    of_decoy, of_real = (min(column) for column in zip(*costs, strict=True))
    # A decoy refused early would cost next to nothing; memory that is found anew costs as much as a hash.
    assert 0.25 < of_decoy / of_real < 4


async def test_a_hash_of_lower_cost_is_outdated(hasher: PasswordHasher) -> None:
    cheap = PasswordHasher(Cost(memory_kib=19 * 1024, passes=2))
    encoded = await cheap.hash("correct horse")
    cheap.close()

    assert hasher.is_outdated(encoded)
    assert await hasher.verify("correct horse", encoded)
    assert not hasher.is_outdated(await hasher.hash("correct horse"))


async def test_two_hash_at_once_32_wait_and_the_next_is_refused(hasher: PasswordHasher) -> None:
    go, inside = asyncio.Event(), 0

    async def sign_in() -> None:
        nonlocal inside
        async with hasher.turn():
            inside += 1
            await go.wait()

    async with asyncio.TaskGroup() as group:
        for _ in range(PARALLEL + QUEUE):
            group.create_task(sign_in())
        await asyncio.sleep(0)

        assert inside == 2
        with pytest.raises(UnavailableError):
            async with hasher.turn():
                pass
        go.set()
    assert inside == PARALLEL + QUEUE

    async with hasher.turn():  # and the queue is free again
        pass


async def test_the_event_loop_goes_on_while_a_thread_hashes(hasher: PasswordHasher) -> None:
    hashing = asyncio.create_task(hasher.hash("correct horse"))
    turns = 0

    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1

    assert turns > 50  # a hash that kept the interpreter's lock would leave one or two
