"""A server with three people, whose metadata is checked by fsck when a test is over."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from app.config import Limits, Server, Settings
from app.data_folder import DataFolder
from app.services.fsck import Level, check
from storage.disk import LocalDisk
from tests.accounts.api import ADMIN, PASSWORD, Reply
from tests.api.conftest import Running, Template, copy_template, nothing_is_logged_as_error, serving
from tests.api.people import Person

__all__ = ["nothing_is_logged_as_error"]

NAMES = (ADMIN, "bob", "cyd")


class Member(Person):
    """Somebody who shares."""

    async def share(self, file_id: str, username: str, role: str = "editor") -> Reply:
        """Share a folder."""
        return await self.post(f"/api/v1/files/{file_id}/members", {"username": username, "role": role})

    async def shared(self, path: str, username: str, role: str = "editor") -> Any:
        """Make a folder, share it, and return it."""
        folder = await self.make_folder(path)
        reply = await self.share(folder["file_id"], username, role)
        assert reply.status == HTTPStatus.CREATED, reply.body
        return folder

    async def members(self, file_id: str) -> dict[str, str]:
        """Return who sees a folder, with their roles."""
        reply = await self.get(f"/api/v1/files/{file_id}/members")
        assert reply.status == HTTPStatus.OK, reply.body
        return {item["username"]: item["role"] for item in reply.json["items"]}

    async def set_role(self, file_id: str, username: str, role: str) -> Reply:
        """Change a role."""
        return await self.call("PATCH", f"/api/v1/files/{file_id}/members/{username}", json={"role": role})

    async def remove(self, file_id: str, username: str) -> Reply:
        """End a membership."""
        return await self.delete(f"/api/v1/files/{file_id}/members/{username}")

    async def trash(self) -> list[Any]:
        """Return the entries of the trash."""
        reply = await self.get("/api/v1/trash")
        assert reply.status == HTTPStatus.OK, reply.body
        items: list[Any] = reply.json["items"]
        return items

    async def used(self) -> int:
        """Return what counts against the quota."""
        return int((await self.get("/api/v1/me")).json["used"])


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Make three users once."""
    folder = tmp_path_factory.mktemp("template") / "data"
    return Template(folder, asyncio.run(_set_up(folder)))


async def _set_up(folder: Path) -> dict[str, str]:
    tokens = {}
    async with serving(folder, Settings()) as server:
        for name in NAMES:
            await server.cairn.services.accounts.create(name, PASSWORD, is_admin=name == ADMIN)
            login = await server.stranger.log_in(name)
            assert login.token is not None
            tokens[name] = login.token
    return tokens


@pytest.fixture
def runs_jobs() -> bool:
    """Whether the server works its jobs off by itself."""
    return True


@pytest.fixture
async def server(template: Template, tmp_path: Path, runs_jobs: bool) -> AsyncIterator[Running]:  # noqa: FBT001
    """A server with ada, bob and cyd, who have nothing yet; fsck finds nothing afterwards."""
    settings = Settings(limits=Limits(free_disk_bytes=0, free_disk_percent=0), server=Server())
    folder = copy_template(template, tmp_path / "data")
    async with serving(folder, settings) as running, asyncio.TaskGroup() as group:
        jobs = group.create_task(running.cairn.jobs.run()) if runs_jobs else None
        yield running
        if jobs is not None:
            await running.cairn.jobs.wait_idle()
            jobs.cancel()
    assert [found.detail for found in check(DataFolder(folder, LocalDisk()), LocalDisk(), Level.METADATA)] == []


@pytest.fixture
def ada(server: Running, template: Template) -> Member:
    """The one who has folders to share."""
    return Member(server.session, template.tokens[ADMIN])


@pytest.fixture
def bob(server: Running, template: Template) -> Member:
    """One whom they are shared with."""
    return Member(server.session, template.tokens["bob"])


@pytest.fixture
def cyd(server: Running, template: Template) -> Member:
    """A stranger to all that."""
    return Member(server.session, template.tokens["cyd"])
