"""How users want the pages to be."""

from dataclasses import dataclass

from app.db.transaction import Snapshot, Transaction

_GET = "SELECT theme, language, shortcuts FROM preferences WHERE user_id = :user"
_SET = """
    INSERT INTO preferences (user_id, theme, language, shortcuts) VALUES (:user, :theme, :language, :shortcuts)
    ON CONFLICT (user_id) DO UPDATE SET theme = :theme, language = :language, shortcuts = :shortcuts
"""
_FORGET = "DELETE FROM preferences WHERE user_id = :user"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one user wants.

    Attributes:
        theme: "auto", "light" or "dark".
        language: ISO 639; "" for what the browser asks for.
        shortcuts: whether single letters are shortcuts.
    """

    theme: str = "auto"
    language: str = ""
    shortcuts: bool = True


def get(tx: Snapshot, user_id: int) -> Preferences:
    """Return what a user wants, the defaults if that was never said."""
    row = tx.one(_GET, {"user": user_id})
    return Preferences() if row is None else Preferences(row["theme"], row["language"], bool(row["shortcuts"]))


def put(tx: Transaction, user_id: int, wanted: Preferences) -> None:
    """Keep what a user wants."""
    values = {"theme": wanted.theme, "language": wanted.language, "shortcuts": wanted.shortcuts}
    tx.execute(_SET, {"user": user_id, **values})


def forget(tx: Transaction, user_id: int) -> None:
    """Forget what a user wanted, who leaves."""
    tx.execute(_FORGET, {"user": user_id})
