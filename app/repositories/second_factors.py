"""The second factors of users: their sealed secret, the last step used, and what is left of the recovery codes."""

from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction

UNCONFIRMED = -1
_GET = "SELECT totp_secret, totp_step FROM users WHERE id = :user"
_SET = "UPDATE users SET totp_secret = :secret, totp_step = :step WHERE id = :user"
_USE = "UPDATE users SET totp_step = :step WHERE id = :user AND totp_secret = :secret AND totp_step < :step"
_ADD = "INSERT INTO recovery_codes (user_id, digest) VALUES (:user, :digest)"
_SPEND = "DELETE FROM recovery_codes WHERE user_id = :user AND digest = :digest"
_CLEAR = "DELETE FROM recovery_codes WHERE user_id = :user"
_COUNT = "SELECT count(*) FROM recovery_codes WHERE user_id = :user"


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor: its sealed secret, and the last time step that was used, `UNCONFIRMED` before the first."""

    sealed: bytes
    step: int

    @property
    def is_on(self) -> bool:
        """Whether it is asked for: its owner has shown a code."""
        return self.step != UNCONFIRMED


def find(tx: Snapshot, user_id: int) -> Factor | None:
    """Return a user's second factor, confirmed or not, None without one."""
    row = tx.one(_GET, {"user": user_id})
    return None if row is None or row[0] is None else Factor(row[0], row[1])


def begin(tx: Transaction, user_id: int, sealed: bytes) -> None:
    """Keep the secret of a factor that is still to be confirmed."""
    tx.execute(_SET, {"user": user_id, "secret": sealed, "step": UNCONFIRMED})


def use_step(tx: Transaction, user_id: int, factor: Factor, step: int) -> bool:
    """Note that the code of `step` was used; False if another was faster with this or a later one."""
    values = {"user": user_id, "secret": factor.sealed, "step": step}
    return tx.execute(_USE, values).rowcount == 1


def remove(tx: Transaction, user_id: int) -> None:
    """Forget the factor and its recovery codes."""
    tx.execute(_SET, {"user": user_id, "secret": None, "step": 0})
    tx.execute(_CLEAR, {"user": user_id})


def set_recovery(tx: Transaction, user_id: int, digests: list[bytes]) -> None:
    """Put recovery codes in place of those that were there."""
    tx.execute(_CLEAR, {"user": user_id})
    for digest in digests:
        tx.execute(_ADD, {"user": user_id, "digest": digest})


def spend_recovery(tx: Transaction, user_id: int, digest: bytes) -> bool:
    """Use a recovery code up; False if there is none like it."""
    return tx.execute(_SPEND, {"user": user_id, "digest": digest}).rowcount == 1


def count_recovery(tx: Snapshot, user_id: int) -> int:
    """Return how many recovery codes are left."""
    row = tx.one(_COUNT, {"user": user_id})
    return 0 if row is None else int(row[0])
