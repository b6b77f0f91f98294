"""How people want the pages to be: read with each page, changed in the settings."""

from dataclasses import dataclass, replace

from app.auth.identity import Actor
from app.db.database import Database
from app.db.transaction import Transaction
from app.repositories import preferences
from app.repositories.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Wishes:
    """What shall be another way; the rest stays."""

    theme: str | None = None
    language: str | None = None
    shortcuts: bool | None = None


class PreferenceService:
    """Keeps what each user wants."""

    def __init__(self, database: Database) -> None:
        """Take the database."""
        self._database = database

    async def of(self, actor: Actor) -> Preferences:
        """Return what the actor's user wants."""
        return await self._database.read(lambda tx: preferences.get(tx, actor.user_id))

    async def change(self, actor: Actor, wishes: Wishes) -> Preferences:
        """Change what is wished, and return all."""

        def work(tx: Transaction) -> Preferences:
            now = preferences.get(tx, actor.user_id)
            wanted = replace(
                now,
                theme=now.theme if wishes.theme is None else wishes.theme,
                language=now.language if wishes.language is None else wishes.language,
                shortcuts=now.shortcuts if wishes.shortcuts is None else wishes.shortcuts,
            )
            preferences.put(tx, actor.user_id, wanted)
            return wanted

        return await self._database.write(work)
