"""The first admin: from the environment, or through a one-time address (security.md, A5)."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from app.auth import tokens
from app.auth.throttle import Throttle
from app.config import SettingsError
from app.errors import InvalidRequestError, NameTakenError, NotFoundError
from app.services.accounts import AccountService

TOKEN_SIZE = 16
LIFETIME_S = 24 * 3600
_ACCOUNT = "/setup"  # no user can be called so
_USER, _PASSWORD, _PASSWORD_FILE = "CAIRN_ADMIN_USER", "CAIRN_ADMIN_PASSWORD", "CAIRN_ADMIN_PASSWORD_FILE"


class SetUpService:
    """Lets the first admin be made, once, by whoever can read this server's standard error."""

    def __init__(self, accounts: AccountService, throttle: Throttle, *, clock_s: Callable[[], float]) -> None:
        """Take the parts it works with; `clock_s` never goes back (time.monotonic)."""
        self._accounts = accounts
        self._throttle = throttle
        self._clock_s = clock_s
        self._digest: bytes | None = None
        self._until_s = 0.0

    @property
    def is_needed(self) -> bool:
        """Whether there is no enabled admin, so that nothing but the set-up is served."""
        return not self._accounts.has_admin

    async def start(self, environ: Mapping[str, str]) -> str | None:
        """Make the first admin from the environment, if there is none and one is named there.

        Returns:
            The path of the set-up page, with a new token, if an admin is still needed: to be shown to whoever
            started the server, and to nobody else.

        Raises:
            SettingsError: the environment names an admin that cannot be made.
        """
        if not self.is_needed:
            return None
        if name := environ.get(_USER):
            try:
                await self._accounts.create(name, _read_password(environ), is_admin=True, first=True)
            except InvalidRequestError as error:
                raise SettingsError(f"{_USER} with its password cannot be the first admin: {error}") from error
            except NameTakenError:
                pass  # the admin of that name was disabled: then only the set-up page makes another
            else:
                return None
        token = secrets.token_urlsafe(TOKEN_SIZE)
        self._digest, self._until_s = tokens.digest_of(token), self._clock_s() + LIFETIME_S
        return f"/setup/{token}"

    def check(self, token: str, network: str) -> None:
        """Refuse a token that opens nothing.

        Args:
            network: where the request comes from, as `addresses.network_of` names it.

        Raises:
            NotFoundError: it is wrong, used, older than 24 h, or not needed.
            RateLimitedError: too many tries failed.
        """
        if not self.is_needed:
            raise _absent()
        with self._throttle.attempt(_ACCOUNT, network) as attempt:
            if self._clock_s() >= self._until_s or not tokens.is_digest_of(token, self._digest):
                if not attempt.repeats(token, ""):
                    attempt.failed(token, "")
                raise _absent()

    async def complete(self, token: str, name: str, password: str, network: str) -> None:
        """Make the first admin; the token is dead from then on.

        Raises:
            NotFoundError: as `check`, or another was faster.
            RateLimitedError: too many tries failed.
            InvalidRequestError: this cannot be a name or a password; the token stays good.
            NameTakenError: a user who is no enabled admin has this name; the token stays good.
        """
        self.check(token, network)
        await self._accounts.create(name, password, is_admin=True, first=True)
        self._digest = None


def _read_password(environ: Mapping[str, str]) -> str:
    if password := environ.get(_PASSWORD):
        return password
    path = environ.get(_PASSWORD_FILE)
    if not path:
        raise SettingsError(f"{_USER} needs {_PASSWORD} or {_PASSWORD_FILE} beside it.")
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{_PASSWORD_FILE}: {path} cannot be read as UTF-8 text.") from error
    return text.removesuffix("\n").removesuffix("\r")


def _absent() -> NotFoundError:
    return NotFoundError("There is nothing here. A set-up address works once, for 24 hours, until the next start.")
