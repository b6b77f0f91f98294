"""The world of the walk: one server, its people with their credentials, and fresh objects for each call."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from app.auth import tokens
from app.auth.identity import Actor, ActorKind, Reach, Scope
from app.config import Limits, Server, Settings
from app.db.transaction import Snapshot, Transaction
from app.ids import encode_id
from app.repositories import actors, users
from tests.accounts.api import PASSWORD, Reply
from tests.api.conftest import Running
from tests.api.people import Person
from tests.permissions.roles import Role

OWN_KINDS: Final = ("own_file", "own_folder", "own_path", "own_place")
"""What a call may name of the asker's own; see `World.own`."""
SHARED, PRIVATE, ELSEWHERE = "/Shared", "/Private", "/Elsewhere"
PEOPLE = ("admin", "owner", "viewer", "editor", "former", "disabled", "stranger", "guest")
USER_OF = {
    Role.FORMER: "former",
    Role.DISABLED: "disabled",
    Role.STRANGER: "stranger",
    Role.ADMIN: "admin",
    Role.STALE_ADMIN: "admin",
    Role.VIEWER: "viewer",
    Role.EDITOR: "editor",
    Role.EDITOR_READ: "editor",
}
"""Of the roles that are a user; all others are the owner's, or nobody's."""
SCOPES = {
    Role.APP: {},
    Role.APP_READ: {"reach": "read"},
    Role.EDITOR_READ: {"reach": "read"},
    Role.WEBDAV: {"webdav_only": True},
}
SETTINGS = Settings(
    limits=Limits(free_disk_bytes=0, free_disk_percent=0, devices_per_user=10_000),
    server=Server(trusted_proxies=("127.0.0.1",)),
)
"""The proxy tells another network for each call, so that no throttle stands between a call and its judge."""
BEHIND_THE_SCENES = ("found_names", "unsettled_names", "name_index", "jobs", "sqlite_")
"""Tables, by how they begin, that the server keeps by itself some time after a change."""
NOTED = {"address", "last_used_ms"}
"""Columns that say when and from where a credential was last used: a refused call is a use as well."""

Headers = dict[str, str]


class World:
    """A server with everybody and everything in it. The owner's own device makes what the others then ask for."""

    def __init__(self, server: Running) -> None:
        """Take a server that has nobody yet; call `begin`."""
        self.server = server
        self.hands: dict[str, Person] = {}
        self.folders: dict[str, Any] = {}
        self._numbers = itertools.count(1)
        self._headers: dict[Role, Headers] = {}
        self._own: dict[tuple[Role, str], str] = {}

    @property
    def owner(self) -> Person:
        """The owner, at a device that no call ends."""
        return self.hands["owner"]

    async def begin(self) -> None:
        """Let everybody come in, and some go again."""
        accounts = self.server.cairn.services.accounts
        for name in PEOPLE:
            await accounts.create(name, PASSWORD, is_admin=name == "admin")
            self.hands[name] = await self.person(name)
        for path in (SHARED, PRIVATE, ELSEWHERE):
            self.folders[path] = await self.owner.make_folder(path)
        await self.share(self.folders[SHARED]["file_id"])
        await self.let_in(self.folders[SHARED]["file_id"], "disabled", "editor")
        for name in ("viewer", "editor", "former", "stranger", "admin"):
            await self.hands[name].make_folder("/Own")
        await accounts.disable("disabled")

    async def share(self, file_id: str) -> None:
        """Share a folder as the shared one is: the former member is gone again."""
        for name in ("viewer", "editor", "former"):
            await self.let_in(file_id, name, "viewer" if name == "viewer" else "editor")
        self.must(await self.owner.delete(f"/api/v1/files/{file_id}/members/former"))

    async def let_in(self, file_id: str, name: str, role: str) -> None:
        """Share a folder with one user."""
        self.must(await self.owner.post(f"/api/v1/files/{file_id}/members", {"username": name, "role": role}))

    def name_of(self, role: Role) -> str:
        """Return the user who asks, or whose credential it is."""
        return USER_OF.get(role, "owner")

    def must(self, reply: Reply) -> Any:
        """Return the JSON of a call that has to succeed."""
        assert HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES, reply.body
        return reply.json

    def number(self) -> int:
        """Return a number that was not used yet."""
        return next(self._numbers)

    def address(self) -> str:
        """Return an address in a network of its own."""
        number = self.number()
        return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    async def headers(self, role: Role) -> Headers:
        """Return what a role shows; its credential is made once, and again after it was spent."""
        if role not in self._headers:
            self._headers[role] = await self._credential(role)
        return {**self._headers[role], "X-Forwarded-For": self.address()}

    async def dropper(self) -> Actor:
        """Return the owner's device as if it had been made to put files in, and to see nothing."""
        actor = await self.server.cairn.services.authentication.actor_of(self.owner.token or "")
        return replace(actor, scope=Scope(Reach.DROP))

    async def own(self, role: Role, kind: str) -> str:
        """Return the id of the asker's `own_folder`, or of the `own_file` in it; the same one until it is used.

        `own_place` and `own_path` are such a folder's and file's path, as WebDAV asks for it.
        """
        if (role, kind) not in self._own:
            self._own[role, kind] = await self._make_own(role, kind)
        return self._own[role, kind]

    def used(self, role: Role, *, credential: bool = False) -> None:
        """Let a role have new things of its own, and a new credential if the old one is spent."""
        for kind in ("own_file", "own_path"):
            self._own.pop((role, kind), None)
        if credential:
            self._headers.pop(role, None)

    async def settled(self) -> None:
        """Wait until nothing goes on behind the scenes."""
        await self.server.cairn.jobs.wait_idle()

    async def fingerprint(self) -> Mapping[str, int]:
        """Return what tells, table by table, whether anything was changed."""
        await self.settled()
        return await self.server.cairn.database.read(_fingerprint)

    async def _make_own(self, role: Role, kind: str) -> str:
        path, name = ELSEWHERE, USER_OF.get(role, "owner")
        if role is Role.APP_SHARED:
            path = SHARED
        elif role in USER_OF and role is not Role.DISABLED:
            path = "/Own"
        else:
            name = "owner"
        person = self.hands[name]
        if kind == "own_folder":
            return str(self.must(await person.at(path))["file_id"])
        if kind == "own_place":
            return quote(path[1:])
        made = self.must(await person.put(f"{path}/own {self.number()}", b"own"))
        return quote(made["path"][1:]) if kind == "own_path" else str(made["file_id"])

    async def _credential(self, role: Role) -> Headers:
        if role is Role.ANONYMOUS:
            return {}
        if role is Role.LINK:
            body = {"file_id": self.folders[SHARED]["file_id"]}
            return _bearer(self.must(await self.owner.post("/api/v1/links", body))["url"].rpartition("/")[2])
        if role in (Role.SESSION, Role.BARE, Role.FOREIGN):
            return await self._session(role)
        if role.startswith("app") or role in SCOPES:
            return await self._app_password(role)
        token = await self.device(USER_OF.get(role, "owner"), stale=role.startswith("stale"))
        if role is Role.REVOKED:
            self.must(await self.owner.delete(f"/api/v1/devices/{device_id_of(token)}"))
        return _bearer(token)

    async def _session(self, role: Role) -> Headers:
        cookie = await self.device("owner", ActorKind.SESSION)
        origin = "https://evil.example" if role is Role.FOREIGN else f"http://127.0.0.1:{self.server.port}"
        shown = {"Cookie": f"cairn-session={cookie}", "Origin": origin}
        return shown if role is Role.BARE else {**shown, "X-CSRF-Token": tokens.csrf_token_of(cookie)}

    async def _app_password(self, role: Role) -> Headers:
        scope = SCOPES.get(role)
        if scope is None:
            scope = {"folder_id": self.folders[SHARED if role is Role.APP_SHARED else ELSEWHERE]["file_id"]}
        body = {"name": role.value, "scope": scope}
        return _bearer(self.must(await self.hands[self.name_of(role)].post("/api/v1/app-passwords", body))["password"])

    async def person(self, name: str) -> Person:
        """Return a user at a new device."""
        return Person(self.server.session, await self.device(name))

    async def device(self, name: str, kind: ActorKind = ActorKind.DEVICE, *, stale: bool = False) -> str:
        """Return the token of a new device or session: as after a login, without the work of a password's hash."""
        secret = tokens.make_secret()

        def work(tx: Transaction) -> str:
            user = users.require(tx, name)
            made = actors.create(tx, user_id=user.id, kind=kind, name=name, token_hash=tokens.digest_of(secret))
            if stale:
                tx.execute("UPDATE actors SET proved_ms = 0 WHERE id = :id", {"id": made.id})
            return tokens.write(encode_id(made.id, made.tag), secret)

        return await self.server.cairn.database.write(work)


def device_id_of(token: str) -> str:
    """Return the id of the device whose token this is."""
    return token.split("_")[1]


def _bearer(secret: str) -> Headers:
    return {"Authorization": f"Bearer {secret}"}


def _columns_of(tx: Snapshot, table: str) -> list[str]:
    return [row["name"] for row in tx.all("SELECT name FROM pragma_table_info(:name)", {"name": table})]


def _fingerprint(tx: Snapshot) -> dict[str, int]:
    tables = [row[0] for row in tx.all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", {})]
    seen: dict[str, int] = {}
    for table in tables:
        if not table.startswith(BEHIND_THE_SCENES):
            columns = ", ".join(name for name in _columns_of(tx, table) if name not in NOTED)
            rows = tx.all(f"SELECT {columns} FROM {table}", {})  # noqa: S608 - names from the schema
            seen[table] = hash(tuple(map(tuple, rows)))
    return seen
