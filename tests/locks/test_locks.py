"""Locks: whom they bind, who may use them, and when they end."""

from http import HTTPStatus

import pytest

from app.config import Limits
from app.errors import (
    ConflictError,
    ForbiddenError,
    LockConflictError,
    LockedError,
    LockTokenError,
    NoRoomError,
    NotFoundError,
    PreconditionFailedError,
)
from app.repositories import locks
from app.services.lock_state import Lookup, Shown, State
from app.services.locks import LockService, Place, Wanted
from app.services.uptime import Uptime
from tests.api.conftest import Running
from tests.api.people import Person
from tests.locks.conftest import Program, Start, delete, discovered, made, move, names, pass_time
from tests.sharing.conftest import Member

LOCKED = HTTPStatus.LOCKED


# Whom a lock binds


async def test_a_locked_file_changes_for_who_shows_the_token_and_nobody_else(
    server: Running, ada: Person, start: Start
) -> None:
    program, file_id = await start(ada), await made(ada, "/a")

    token = await program.lock("/a")

    reply = await ada.put("/a", b"two")
    assert (reply.status, reply.code) == (LOCKED, "locked")
    assert (await ada.change(file_id, mtime_ms=1)).status == LOCKED
    with pytest.raises(LockedError):
        await move(server, program, "/a", "/b")
    await move(server, program, "/a", "/b", token)
    assert await ada.names() == ["b"]


async def test_what_is_not_locked_stays_free(ada: Person, start: Start) -> None:
    program = await start(ada)
    await made(ada, "/a")
    await made(ada, "/b")
    await program.lock("/a")

    assert (await ada.put("/b", b"two")).status == HTTPStatus.OK
    assert (await ada.put("/c", b"two")).status == HTTPStatus.CREATED


async def test_a_token_is_worth_nothing_to_another_credential_of_the_same_person(
    server: Running, ada: Person, start: Start
) -> None:
    first, second = await start(ada), await start(ada)
    await made(ada, "/a")
    token = await first.lock("/a")

    with pytest.raises(LockedError):
        await move(server, second, "/a", "/b", token)
    with pytest.raises(LockTokenError):
        await second.unlock("/a", token)
    with pytest.raises(PreconditionFailedError):
        await second.refresh("/a", token)
    with pytest.raises(LockConflictError):
        await second.lock("/a", token)


async def test_a_member_with_a_stolen_token_changes_nothing(
    server: Running, ada: Member, bob: Member, start: Start
) -> None:
    await ada.shared("/Shared", "bob")
    first, second = await start(ada), await start(bob)
    await made(ada, "/Shared/a")
    token = await first.lock("/Shared/a")

    with pytest.raises(LockedError, match="ada has locked it"):
        await move(server, second, "/Shared/a", "/Shared/b", token)
    with pytest.raises(LockTokenError):
        await second.unlock("/Shared/a", token)
    assert (await bob.put("/Shared/a", b"two")).status == LOCKED


async def test_a_lock_shows_its_token_to_its_holder_alone(
    server: Running, ada: Member, bob: Member, start: Start
) -> None:
    await ada.shared("/Shared", "bob")
    first, second, third = await start(ada), await start(bob), await start(ada)
    await made(ada, "/Shared/a")

    token = await first.lock("/Shared/a", owner_xml="<owner>me</owner>", timeout_s=60)

    (own,) = await discovered(server, first, "/Shared/a")
    assert (own.token, own.username, own.owner_xml) == (token, "ada", "<owner>me</owner>")
    assert own.root == Place("/Shared/a", is_folder=False)
    assert 0 < own.left_s <= 60
    for other in (second, third):
        (theirs,) = await discovered(server, other, "/Shared/a")
        assert (theirs.token, theirs.username, theirs.owner_xml) == (None, "ada", "<owner>me</owner>")


async def test_a_link_that_takes_files_in_meets_a_lock_and_learns_nobodys_name(
    server: Running, ada: Person, start: Start
) -> None:
    program, folder = await start(ada), await ada.make_folder("/In")
    link = (await ada.post("/api/v1/links", {"file_id": folder["file_id"], "mode": "drop"})).json
    await program.lock("/In")

    url = "/s/" + link["url"].rpartition("/")[2] + "/upload"
    reply = await server.stranger.call("PUT", url, params={"name": "a"}, data=b"one")

    assert (reply.status, reply.code) == (LOCKED, "locked")
    assert b"ada" not in reply.body


# Folders


async def test_a_deep_lock_binds_all_below_and_what_comes_there(server: Running, ada: Person, start: Start) -> None:
    program = await start(ada)
    await ada.make_folder("/F/G", parents=True)
    await made(ada, "/F/G/a")
    await made(ada, "/b")

    token = await program.lock("/F")

    for reply in (await ada.put("/F/G/a", b"two"), await ada.put("/F/G/new", b"two"), await ada.put("/F/new", b"two")):
        assert reply.status == LOCKED
    assert (await ada.post("/api/v1/folders", {"path": "/F/new"})).status == LOCKED
    with pytest.raises(LockedError):
        await move(server, program, "/b", "/F/G/b")
    await move(server, program, "/b", "/F/G/b", token)
    await delete(server, program, "/F/G/a", token)
    assert {view.token for view in await discovered(server, program, "/F/G/b")} == {token}


async def test_a_shallow_lock_binds_which_names_are_in_a_folder_and_not_what_they_hold(
    server: Running, ada: Person, start: Start
) -> None:
    program = await start(ada)
    await ada.make_folder("/F/G", parents=True)
    file_id = await made(ada, "/F/a")

    token = await program.lock("/F", is_deep=False)

    assert (await ada.put("/F/a", b"two")).status == HTTPStatus.OK
    assert (await ada.put("/F/G/a", b"two")).status == HTTPStatus.CREATED
    assert (await ada.change(file_id, mtime_ms=1)).status == HTTPStatus.OK
    assert (await ada.put("/F/new", b"two")).status == LOCKED
    assert (await ada.change(file_id, name="b")).status == LOCKED
    assert (await ada.delete(f"/api/v1/files/{file_id}")).status == LOCKED
    with pytest.raises(LockedError):
        await delete(server, program, "/F/a")
    await delete(server, program, "/F/a", token)


async def test_a_folder_with_something_locked_in_it_neither_moves_nor_goes(
    server: Running, ada: Person, start: Start
) -> None:
    program, folder = await start(ada), await ada.make_folder("/F/G", parents=True)
    top = (await ada.at("/F")).json["file_id"]
    await made(ada, "/F/G/a")
    await made(ada, "/F/G/b")
    token = await program.lock("/F/G/a")

    assert (await ada.change(top, name="H")).status == LOCKED
    assert (await ada.delete(f"/api/v1/files/{top}")).status == LOCKED
    with pytest.raises(LockedError) as caught:
        await delete(server, program, "/F")
    with pytest.raises(LockedError):
        await move(server, program, "/F/G/b", "/F/G/a", overwrite=True)
    assert len(caught.value.node_ids) == 1
    assert folder["file_id"] == (await ada.at("/F/G")).json["file_id"]
    await delete(server, program, "/F", token)
    assert await ada.names() == []


async def test_no_lock_reaches_through_a_mount(server: Running, ada: Member, bob: Member, start: Start) -> None:
    shared = await ada.shared("/Shared", "bob")
    program = await start(ada)

    token = await program.lock("/")

    assert (await ada.put("/new", b"one")).status == LOCKED
    assert (await ada.put("/Shared/a", b"one")).status == HTTPStatus.CREATED
    assert (await bob.put("/Shared/b", b"one")).status == HTTPStatus.CREATED
    assert (await ada.change(shared["file_id"], name="Other")).status == LOCKED  # its name is of her home
    assert (await bob.change(shared["file_id"], name="Other")).status == HTTPStatus.OK
    assert await program.lock("/Shared")
    await program.unlock("/Shared", token)


async def test_a_lock_on_a_shared_folder_binds_all_members_and_leaves_them_their_place_for_it(
    server: Running, ada: Member, bob: Member, start: Start
) -> None:
    shared = await ada.shared("/Shared", "bob")
    program = await start(bob)

    await program.lock("/Shared")

    assert (await ada.put("/Shared/a", b"one")).status == LOCKED
    assert (await ada.change(shared["file_id"], name="Other")).status == HTTPStatus.OK
    assert (await ada.delete(f"/api/v1/files/{shared['file_id']}")).status == LOCKED


async def test_a_folder_below_a_deep_lock_is_not_shared_out_of_it(ada: Member, start: Start) -> None:
    program, folder = await start(ada), await ada.make_folder("/F/G", parents=True)
    await program.lock("/F")

    assert (await ada.share(folder["file_id"], "bob")).status == LOCKED


# Locks beside each other


async def test_of_two_locks_on_the_same_both_are_shared(ada: Person, start: Start) -> None:
    first, second = await start(ada), await start(ada)
    await ada.make_folder("/F/G", parents=True)
    await made(ada, "/F/a")

    for program in (first, second):
        await program.lock("/F/a", is_exclusive=False)

    for path in ("/F/a", "/F", "/"):
        with pytest.raises(LockConflictError):
            await first.lock(path)
    await first.lock("/F", is_exclusive=False)
    await first.lock("/", is_deep=False)
    with pytest.raises(LockConflictError):
        await first.lock("/F/G")


async def test_whoever_holds_one_of_several_shared_locks_is_free(server: Running, ada: Person, start: Start) -> None:
    first, second = await start(ada), await start(ada)
    await made(ada, "/a")
    await first.lock("/a", is_exclusive=False)
    token = await second.lock("/a", is_exclusive=False)

    assert (await ada.put("/a", b"two")).status == LOCKED
    await move(server, second, "/a", "/b", token)


async def test_a_deep_lock_that_meets_another_below_names_it(ada: Person, start: Start) -> None:
    program = await start(ada)
    await ada.make_folder("/F")
    for name in "ab":
        await made(ada, f"/F/{name}")
        await program.lock(f"/F/{name}")

    with pytest.raises(LockConflictError) as caught:
        await program.lock("/F")

    assert len(caught.value.node_ids) == 2


# A name that is free


async def test_a_lock_on_a_free_name_makes_an_empty_file(server: Running, ada: Person, start: Start) -> None:
    program = await start(ada)

    granted = await program.grant("/new.txt")

    file = (await ada.at("/new.txt")).json
    assert granted.created
    assert (file["kind"], file["size"], file["content_type"]) == ("file", 0, "text/plain")
    assert (await ada.content(file["file_id"])).body == b""
    assert (await ada.put("/new.txt", b"two")).status == LOCKED
    with pytest.raises(ConflictError):
        await program.lock("/no/such")
    with pytest.raises(ConflictError):
        await program.lock("/new.txt/below")


async def test_a_free_name_in_a_locked_folder_is_made_for_its_holder_alone(ada: Person, start: Start) -> None:
    program = await start(ada)
    await ada.make_folder("/F")
    token = await program.lock("/F", is_deep=False)

    with pytest.raises(LockedError):
        await program.lock("/F/new")
    assert await program.lock("/F/new", token)


async def test_who_may_not_write_locks_nothing(ada: Member, bob: Member, start: Start) -> None:
    await ada.shared("/Shared", "bob", "viewer")
    await made(ada, "/Shared/a")
    program = await start(bob)

    for path in ("/Shared", "/Shared/a", "/Shared/new"):
        with pytest.raises(ForbiddenError):
            await program.lock(path)


# When a lock ends


async def test_a_lock_ends_when_its_time_is_over_and_not_before(server: Running, ada: Person, start: Start) -> None:
    program = await start(ada)
    await made(ada, "/a")
    token = await program.lock("/a", timeout_s=600)

    await pass_time(server, 590)
    assert (await ada.put("/a", b"two")).status == LOCKED
    await pass_time(server, 20)

    assert (await ada.put("/a", b"two")).status == HTTPStatus.OK
    assert await discovered(server, program, "/a") == []
    with pytest.raises(PreconditionFailedError):
        await program.refresh("/a", token)


async def test_a_refresh_lets_it_live_on(server: Running, ada: Person, start: Start) -> None:
    program = await start(ada)
    await made(ada, "/a")
    token = await program.lock("/a", timeout_s=10)

    (view,) = await program.refresh("/a", token, timeout_s=600)

    assert view.left_s > 10
    await pass_time(server, 500)
    assert (await ada.put("/a", b"two")).status == LOCKED


async def test_no_lock_lasts_longer_than_the_server_allows(ada: Person, start: Start) -> None:
    program = await start(ada)
    await made(ada, "/a")
    await made(ada, "/b")

    for path, asked in (("/a", None), ("/b", 4_100_000_000)):
        granted = await program.grant(path, timeout_s=asked)
        assert [view.left_s for view in granted.locks] == [3600]


async def test_a_lock_is_given_back_by_its_holder_from_anywhere_in_it(ada: Person, start: Start) -> None:
    program = await start(ada)
    await ada.make_folder("/F")
    await made(ada, "/F/a")
    await made(ada, "/b")
    token = await program.lock("/F")

    with pytest.raises(LockTokenError):
        await program.unlock("/b", token)
    with pytest.raises(LockTokenError):
        await program.unlock("/F", "urn:uuid:00000000-0000-0000-0000-000000000000")
    with pytest.raises(NotFoundError):
        await program.unlock("/F/none", token)
    await program.unlock("/F/a", token)

    assert (await ada.put("/F/a", b"two")).status == HTTPStatus.OK
    with pytest.raises(LockTokenError):
        await program.unlock("/F", token)


async def test_a_move_carries_no_lock_along_and_what_comes_below_a_deep_one_is_bound(
    server: Running, ada: Person, start: Start
) -> None:
    program = await start(ada)
    await ada.make_folder("/F")
    await ada.make_folder("/G")
    await made(ada, "/F/a")
    token = await program.lock("/F/a")
    deep = await program.lock("/G")

    await move(server, program, "/F", "/G/F", token, deep)

    assert [view.token for view in await discovered(server, program, "/G/F/a")] == [deep]
    await program.unlock("/G", deep)
    assert (await ada.put("/G/F/a", b"two")).status == HTTPStatus.OK


async def test_what_was_deleted_comes_back_without_its_locks(server: Running, ada: Person, start: Start) -> None:
    program, file_id = await start(ada), await made(ada, "/a")
    token = await program.lock("/a")

    await delete(server, program, "/a", token)

    assert (await ada.post(f"/api/v1/trash/{file_id}/restore")).status == HTTPStatus.OK
    assert (await ada.put("/a", b"two")).status == HTTPStatus.OK


async def test_a_file_that_takes_the_place_of_a_locked_one_leaves_the_lock_in_place(
    server: Running, ada: Person, start: Start
) -> None:
    program = await start(ada)
    await made(ada, "/a")
    await made(ada, "/beside", b"two")
    token = await program.lock("/a")

    with pytest.raises(LockedError):
        await move(server, program, "/beside", "/a", overwrite=True)
    await move(server, program, "/beside", "/a", token, overwrite=True)

    assert [view.token for view in await discovered(server, program, "/a")] == [token]
    assert await ada.names() == ["a"]


async def test_a_lock_ends_with_the_credential_that_made_it(server: Running, ada: Person, start: Start) -> None:
    program = await start(ada)
    await made(ada, "/a")
    await program.lock("/a")
    devices = (await ada.get("/api/v1/devices")).json["items"]
    (made_with,) = [device["device_id"] for device in devices if device["kind"] == "app_password"]

    assert (await ada.delete(f"/api/v1/devices/{made_with}")).status == HTTPStatus.NO_CONTENT

    assert (await ada.put("/a", b"two")).status == HTTPStatus.OK


async def test_a_lock_ends_with_its_user_and_does_not_come_back(
    server: Running, ada: Member, bob: Member, start: Start
) -> None:
    await ada.shared("/Shared", "bob")
    program = await start(bob)
    await program.lock("/Shared")
    accounts = server.cairn.services.accounts

    await accounts.disable("bob")
    assert (await ada.put("/Shared/a", b"one")).status == HTTPStatus.CREATED
    await accounts.enable("bob")

    assert (await ada.put("/Shared/a", b"two")).status == HTTPStatus.OK


@pytest.mark.parametrize("ending", ["removed", "viewer"])
async def test_who_may_not_write_any_more_binds_nobody(ada: Member, bob: Member, start: Start, ending: str) -> None:
    shared = await ada.shared("/Shared", "bob")
    await (await start(bob)).lock("/Shared")

    if ending == "removed":
        await ada.remove(shared["file_id"], "bob")
    else:
        await ada.set_role(shared["file_id"], "bob", "viewer")

    assert (await ada.put("/Shared/a", b"one")).status == HTTPStatus.CREATED


async def test_locks_that_ended_are_forgotten(server: Running, ada: Person, start: Start) -> None:
    program = await start(ada)
    for name in "ab":
        await made(ada, f"/{name}")
    await program.lock("/a", timeout_s=10)
    kept = await program.lock("/b", timeout_s=3000)
    await pass_time(server, 100)

    await server.cairn.services.locks.sweep()

    rows = await server.cairn.database.read(lambda tx: tx.all("SELECT token FROM locks"))
    assert [row["token"].hex() for row in rows] == [kept.removeprefix("urn:uuid:").replace("-", "")]


async def test_a_purged_node_takes_its_locks_along(server: Running, ada: Person, start: Start) -> None:
    program, file_id = await start(ada), await made(ada, "/a")
    await program.lock("/a")
    await server.cairn.database.write(lambda tx: tx.execute("UPDATE locks SET expires_uptime_s = 0"))
    await ada.delete(f"/api/v1/files/{file_id}")

    await ada.delete(f"/api/v1/trash/{file_id}")
    await server.cairn.jobs.wait_idle()

    assert not await server.cairn.database.read(locks.is_any)


async def test_one_user_holds_only_so_many(server: Running, ada: Person, bob: Person, start: Start) -> None:
    program, other = await start(ada), await start(bob)
    few = LockService(server.cairn.database, Uptime(0), Limits(locks_per_user=2))
    for name in "abc":
        await made(ada, f"/{name}")
    for name in "ab":
        await program.lock(f"/{name}")

    with pytest.raises(NoRoomError):
        await Program(program.actor, few).lock("/c")

    await made(bob, "/c")
    assert await Program(other.actor, few).lock("/c")


# What a request says of resources


async def test_a_condition_is_asked_inside_the_unit_of_work(server: Running, ada: Person, start: Start) -> None:
    program = await start(ada)
    await made(ada, "/a")
    etag = (await ada.at("/a")).json["etag"]
    token = await program.lock("/a")
    asked: list[State] = []

    def is_so(look: Lookup) -> bool:
        asked.append(look(("a",)))
        return asked[-1] == State(etag, frozenset({token}))

    tree = server.cairn.services.tree
    shown = Shown(frozenset({token}), is_so)
    await tree.move_path(program.actor, names("/a"), ["b"], overwrite=False, shown=shown)

    with pytest.raises(PreconditionFailedError):
        await tree.move_path(program.actor, names("/b"), ["c"], overwrite=False, shown=shown)
    assert asked == [State(etag, frozenset({token})), State()]


async def test_a_free_name_is_bound_by_the_lock_of_its_folder(server: Running, ada: Person, start: Start) -> None:
    program = await start(ada)
    await ada.make_folder("/F")
    token = await program.lock("/F")
    seen: list[State] = []

    def look_at_them(look: Lookup) -> bool:
        seen.extend(look(path) for path in (("F", "new"), ("F", "no", "such"), ()))
        return True

    await program.service.lock(program.actor, names("/x"), Wanted(), Shown(frozenset(), look_at_them))

    assert (seen[0], seen[1]) == (State(None, frozenset({token})), State())
    assert (seen[2].etag is not None, seen[2].tokens) == (True, frozenset())
