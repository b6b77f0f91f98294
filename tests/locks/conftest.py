"""Three people at a server, and what programs of theirs do with locks."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import pytest

from app.auth.identity import Actor
from app.db.transaction import Snapshot, Transaction
from app.services import access
from app.services.lock_state import Shown
from app.services.locks import Discovery, Granted, LockService, LockView, Wanted
from app.services.trash import Seen
from tests.api.conftest import Running, nothing_is_logged_as_error
from tests.api.people import Person
from tests.sharing.conftest import ada, bob, cyd, runs_jobs, server, template

__all__ = ["ada", "bob", "cyd", "nothing_is_logged_as_error", "runs_jobs", "server", "template"]


def names(path: str) -> tuple[str, ...]:
    """Return a path as a service takes it."""
    return tuple(path.strip("/").split("/")) if path.strip("/") else ()


def showing(*tokens: str) -> Shown:
    """Show these lock tokens."""
    return Shown(frozenset(tokens))


@dataclass(frozen=True)
class Program:
    """A program that speaks WebDAV, with a credential of its own."""

    actor: Actor
    service: LockService

    async def grant(self, path: str, *tokens: str, **wanted: object) -> Granted:
        """Lock what is at a path, showing tokens."""
        return await self.service.lock(self.actor, names(path), Wanted(**wanted), showing(*tokens))  # type: ignore[arg-type] # as the tests name them

    async def lock(self, path: str, *tokens: str, **wanted: object) -> str:
        """Lock what is at a path; return the token."""
        return (await self.grant(path, *tokens, **wanted)).token

    async def refresh(self, path: str, *tokens: str, timeout_s: int | None = None) -> Sequence[LockView]:
        """Refresh locks."""
        return await self.service.refresh(self.actor, names(path), timeout_s, showing(*tokens))

    async def unlock(self, path: str, token: str) -> None:
        """Give a lock back."""
        await self.service.unlock(self.actor, names(path), token)


Start = Callable[[Person], Awaitable[Program]]


@pytest.fixture
def start(server: Running) -> Start:
    """Start a program of a person's, with an app password of its own."""

    async def program(person: Person) -> Program:
        services = server.cairn.services
        made = (await person.post("/api/v1/app-passwords", {"name": "webdav"})).json
        username = (await person.get("/api/v1/me")).json["user"]["username"]
        actor = await services.authentication.actor_of_basic(username, made["password"], "10.0.0.1")
        return Program(actor, services.locks)

    return program


async def pass_time(server: Running, seconds: int) -> None:
    """Let the server have run for so many seconds more, as the chore of each minute notes it."""

    def work(tx: Transaction) -> None:
        tx.execute("UPDATE meta SET uptime_s = uptime_s + :more", {"more": seconds})

    await server.cairn.database.write(work)


async def discovered(server: Running, program: Program, path: str) -> list[LockView]:
    """Return the locks that bind what is at a path, as a program is shown them."""

    def work(tx: Snapshot) -> list[LockView]:
        sight = access.look_path(tx, program.actor, names(path))
        return list(Discovery(tx, program.actor).of((sight.node.id, *sight.above)))

    return await server.cairn.database.read(work)


async def move(
    server: Running, program: Program, path: str, target: str, *tokens: str, overwrite: bool = False
) -> None:
    """Move what is at a path, showing tokens."""
    await server.cairn.services.tree.move_path(
        program.actor, names(path), list(names(target)), overwrite=overwrite, shown=showing(*tokens)
    )


async def delete(server: Running, program: Program, path: str, *tokens: str) -> None:
    """Delete what is at a path, showing tokens."""
    await server.cairn.services.trash.delete_path(program.actor, names(path), Seen(), showing(*tokens))


async def made(person: Person, path: str, data: bytes = b"one") -> str:
    """Put a file; return its id."""
    reply = await person.put(path, data)
    assert reply.status in {HTTPStatus.CREATED, HTTPStatus.OK}, reply.body
    return str(reply.json["file_id"])
