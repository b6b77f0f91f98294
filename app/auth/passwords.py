"""Which passwords are taken, and their Argon2id hashes.

A hash costs 46 MiB and some 45 ms of a core, so it runs in a thread, at most two at once, and a short queue refuses
what it cannot serve soon (security.md, A1 to A3).
"""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from app.errors import InvalidRequestError, UnavailableError
from storage.offload import Offload

MIN_LENGTH = 10
MAX_LENGTH = 256
MAX_SIZE = 1024
PARALLEL = 2
QUEUE = 32
_SALT_SIZE = 16
_HASH_SIZE = 32


def is_too_long(password: str) -> bool:
    """Say whether no password can be as long as this one: then hashing it would only cost time."""
    return len(password) > MAX_LENGTH or len(password.encode()) > MAX_SIZE


def check_policy(password: str, names: Iterable[str]) -> None:
    """Refuse a new password that anybody would try early.

    Args:
        password: compared and kept exactly as received; there is no rule of composition.
        names: of the user and of the server.

    Raises:
        InvalidRequestError: it is too short, too long, common, one of the names, or no Unicode text.
    """
    if any("\ud800" <= character <= "\udfff" for character in password):  # bytes of an environment in another encoding
        raise InvalidRequestError("The password must be Unicode text: give it in UTF-8.")
    if len(password) < MIN_LENGTH:
        raise InvalidRequestError(f"The password must have at least {MIN_LENGTH} characters.", "password_short")
    if is_too_long(password):
        raise InvalidRequestError(
            f"The password may have at most {MAX_LENGTH} characters and {MAX_SIZE} bytes.", "password_long"
        )
    folded = password.casefold()
    if folded in (name.casefold() for name in names):
        raise InvalidRequestError("The password must not be the name of the user or of the server.", "password_name")
    if _is_common(folded):
        raise InvalidRequestError(
            "This password is among the commonest and would be guessed: choose another.", "password_common"
        )


def _is_common(folded: str) -> bool:
    # Read when asked: a password is set once in a while, and 10,000 strings would stay in memory for ever.
    return folded in resources.files("app.auth").joinpath("common_passwords.txt").read_text("utf-8").splitlines()


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs (OWASP: 46 MiB with one pass, never below 19 MiB with two)."""

    memory_kib: int = 46 * 1024
    passes: int = 1
    lanes: int = 1

    @property
    def prefix(self) -> str:
        """How the PHC string of a hash of this cost begins."""
        return f"$argon2id$v=19$m={self.memory_kib},t={self.passes},p={self.lanes}$"


class PasswordHasher:
    """Makes and checks Argon2id hashes as PHC strings, in two threads of its own."""

    def __init__(self, cost: Cost | None = None) -> None:
        """Start no thread yet; `cost` is that of new hashes."""
        self._cost = cost or Cost()
        self._threads = Offload("password", threads=PARALLEL, queue=QUEUE)
        self._slots = asyncio.Semaphore(PARALLEL)
        self._waiting = 0
        self.runs = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for the right to hash; hold it for one sign-in.

        Raises:
            UnavailableError: too many wait already.
        """
        if self._slots.locked() and self._waiting >= QUEUE:
            raise UnavailableError("Too many people sign in at this moment: try again in a few seconds.")
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    async def hash(self, password: str) -> str:
        """Return the PHC string of a new hash with a random salt; call it within a turn."""
        self.runs += 1
        return await self._threads.run(lambda: self._derive(password.encode()))

    async def verify(self, password: str, encoded: str) -> bool:
        """Say whether `encoded` is a hash of this password; call it within a turn."""
        self.runs += 1
        return await self._threads.run(lambda: _matches(password.encode(), encoded))

    def is_outdated(self, encoded: str) -> bool:
        """Say whether a hash was made at another cost than new ones are."""
        return not encoded.startswith(self._cost.prefix)

    def decoy(self) -> str:
        """Return a hash that no password has, as dear to check as a real one: for users who do not exist."""
        return self._cost.prefix + "$".join(_unpadded(secrets.token_bytes(n)) for n in (_SALT_SIZE, _HASH_SIZE))

    def close(self) -> None:
        """End the threads; a hash under way is finished first."""
        self._threads.close()

    def _derive(self, password: bytes) -> str:
        cost = self._cost
        kdf = Argon2id(
            salt=secrets.token_bytes(_SALT_SIZE),
            length=_HASH_SIZE,
            iterations=cost.passes,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        )
        return kdf.derive_phc_encoded(password)


def _matches(password: bytes, encoded: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password, encoded)
    except InvalidKey:
        return False
    return True


def _unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
