"""What accounts do when something gives way under them, or changes while they look."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from app.application import Cairn, build_app, open_cairn
from app.auth.passwords import PARALLEL, PasswordHasher
from app.config import Settings
from app.data_folder import DataFolder
from app.services import health
from storage.disk import LocalDisk
from storage.errors import StorageError
from tests.accounts.api import ADMIN, PASSWORD, Api


@contextmanager
def busy_threads(hasher: PasswordHasher) -> Iterator[None]:
    """Keep all hashing threads busy, so that whoever comes next has to wait."""
    go = threading.Event()
    work = [asyncio.ensure_future(hasher._threads.run(go.wait)) for _ in range(PARALLEL)]  # noqa: SLF001 - no other way to hold them
    try:
        yield
    finally:
        go.set()
    del work


@pytest.mark.parametrize("change", ["disable", "password"])
@pytest.mark.usefixtures("admin")
async def test_a_login_under_way_fails_if_the_account_changes_meanwhile(api: Api, cairn: Cairn, change: str) -> None:
    accounts = cairn.services.accounts
    await accounts.create("ben", PASSWORD)
    hasher: PasswordHasher = cairn.services.sign_in._hasher  # noqa: SLF001 - to know when the login waits
    other = await hasher.hash("another-kettle-harbour")
    before = hasher.runs
    with busy_threads(hasher):
        login = asyncio.create_task(api.try_login("ben"))
        while hasher.runs == before:  # noqa: ASYNC110 - the server has no event for this, and needs none
            await asyncio.sleep(0)
        if change == "disable":
            await accounts.disable("ben")
        else:
            await cairn.database.write(
                lambda tx: tx.execute("UPDATE users SET password_hash = :h WHERE name = 'ben'", {"h": other})
            )

    assert (await login).status == HTTPStatus.UNAUTHORIZED


class FullDisk(LocalDisk):
    """A disk that can be full, as SQLite tells it at COMMIT."""

    def __init__(self) -> None:
        self.is_full = False

    def commit(self, connection: sqlite3.Connection, path: Path) -> None:
        if self.is_full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorname = "SQLITE_FULL"
            raise error
        super().commit(connection, path)


async def test_on_a_full_disk_a_device_that_was_away_for_hours_still_gets_in_to_delete(tmp_path: Path) -> None:
    disk, failures = FullDisk(), list[StorageError]()
    with DataFolder(tmp_path / "data", disk) as folder:
        async with (
            open_cairn(Settings(), folder, disk=disk, on_failure=failures.append) as cairn,
            TestClient(TestServer(build_app(cairn.services))) as client,
        ):
            await cairn.services.accounts.create(ADMIN, PASSWORD, is_admin=True)
            device = await Api(client).log_in()
            await cairn.database.write(lambda tx: tx.execute("UPDATE actors SET last_used_ms = last_used_ms - 7200000"))

            disk.is_full = True
            me, login = await device.get("/api/v1/me"), await device.try_login()
            disk.is_full = False

    assert not failures
    assert me.status == HTTPStatus.OK
    assert (login.status, login.code) == (HTTPStatus.INSUFFICIENT_STORAGE, "storage_full")


async def test_a_part_that_does_not_answer_makes_the_server_unready_and_not_dead(
    api: Api, cairn: Cairn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE_S", 0.05)
    go = threading.Event()
    stuck = asyncio.create_task(cairn.database.write(lambda _tx: go.wait()))
    try:
        ready, alive = await api.get("/readyz"), await api.get("/healthz")
    finally:
        go.set()
        await stuck

    assert (ready.status, ready.code) == (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable")
    assert alive.status == HTTPStatus.OK
    assert (await api.get("/readyz")).status == HTTPStatus.OK
