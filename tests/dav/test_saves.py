"""How programs save: beside the file, then over it. After each dance the old content is where people find it."""

import hashlib

from tests.api.conftest import Running
from tests.api.people import Person
from tests.dav.conftest import Dav
from tests.dav.test_move import hashes_of
from tests.tree.keeper import trash_of, tree_below, versions_of

OLD, NEW = b"as it was", b"as it is now"


async def everything_kept(person: Person) -> set[str]:
    """Return the hashes of all versions that the person can still get at, live or from the trash."""
    files = [*(await tree_below(person)).values(), *await trash_of(person)]
    kept: set[str] = set()
    for file in files:
        if file["kind"] == "file":
            kept |= {item["sha256"] for item in (await versions_of(person, file)).json["items"]}
    return kept


async def dance(dav: Dav, *steps: tuple[str, ...]) -> None:
    """Make requests in order, all of which must succeed: method, path, and for MOVE where to, for PUT the body."""
    for method, path, *more in steps:
        if method == "MOVE":
            answer = await dav.call(method, f"/dav{path}", Destination=f"/dav{more[0]}")
        else:
            answer = await dav.call(method, f"/dav{path}", more[0] if more else "")
        assert answer.status in (200, 201, 204), (method, path, answer.status, answer.body)


def hashed(*contents: bytes) -> list[str]:
    return [hashlib.sha256(content).hexdigest() for content in contents]


async def test_written_beside_and_moved_over(dav: Dav, ada: Person) -> None:
    """GNOME's and KDE's programs, rsync, rclone with partial uploads."""
    before = await ada.upload("/plan.txt", OLD)

    await dance(dav, ("PUT", "/.goutputstream-1A2B", NEW.decode()), ("MOVE", "/.goutputstream-1A2B", "/plan.txt"))

    assert (await ada.at("/plan.txt")).json["file_id"] == before["file_id"]
    assert await hashes_of(ada, "/plan.txt") == hashed(NEW, OLD)
    assert list(await tree_below(ada)) == ["/plan.txt"]
    assert await trash_of(ada) == []


async def test_vim_with_a_backup(dav: Dav, ada: Person) -> None:
    """The old file moves to a name with a tilde, the new one is written, the backup goes."""
    await ada.upload("/plan.txt", OLD)

    await dance(
        dav,
        ("PUT", "/4913", ""),
        ("DELETE", "/4913"),
        ("MOVE", "/plan.txt", "/plan.txt~"),
        ("PUT", "/plan.txt", NEW.decode()),
        ("DELETE", "/plan.txt~"),
    )

    assert (await dav.call("GET", "/dav/plan.txt")).body == NEW
    assert set(hashed(NEW, OLD)) <= await everything_kept(ada)


async def test_office_that_moves_the_old_file_away(dav: Dav, ada: Person) -> None:
    """Written beside; the old one away; the new one to its name; the old one deleted."""
    await ada.upload("/plan.docx", OLD)

    await dance(
        dav,
        ("PUT", "/~WRD0001.tmp", NEW.decode()),
        ("MOVE", "/plan.docx", "/~WRL0002.tmp"),
        ("MOVE", "/~WRD0001.tmp", "/plan.docx"),
        ("DELETE", "/~WRL0002.tmp"),
    )

    assert (await dav.call("GET", "/dav/plan.docx")).body == NEW
    assert set(hashed(NEW, OLD)) <= await everything_kept(ada)


async def test_macos_with_a_folder_beside(dav: Dav, ada: Person) -> None:
    """TextEdit and others: a folder `NAME.sb-…` holds the new file, takes the old one, and goes."""
    await ada.upload("/plan.rtf", OLD)

    await dance(
        dav,
        ("MKCOL", "/plan.rtf.sb-8f2c-Xy12"),
        ("PUT", "/plan.rtf.sb-8f2c-Xy12/plan.rtf", NEW.decode()),
        ("MOVE", "/plan.rtf", "/plan.rtf.sb-8f2c-Xy12/old.rtf"),
        ("MOVE", "/plan.rtf.sb-8f2c-Xy12/plan.rtf", "/plan.rtf"),
        ("DELETE", "/plan.rtf.sb-8f2c-Xy12"),
    )

    assert (await dav.call("GET", "/dav/plan.rtf")).body == NEW
    assert list(await tree_below(ada)) == ["/plan.rtf"]
    [entry] = await trash_of(ada)
    assert entry["path"] == "/plan.rtf.sb-8f2c-Xy12"


async def test_a_program_is_still_one_after_a_save(dav: Dav, ada: Person) -> None:
    """No program can say so here, and devices would take the bit away."""
    for path in ("/put.sh", "/moved.sh", "/sent.sh"):
        await ada.upload(path, OLD, executable=True)

    await dance(dav, ("PUT", "/put.sh", NEW.decode()))
    await dance(dav, ("PUT", "/moved.tmp", NEW.decode()), ("MOVE", "/moved.tmp", "/moved.sh"))
    await ada.put("/sent.sh", NEW)

    for path in ("/put.sh", "/moved.sh", "/sent.sh"):
        file = (await ada.at(path)).json
        assert (file["executable"], file["sha256"]) == (True, hashed(NEW)[0])
    await dance(dav, ("PUT", "/new.txt", NEW.decode()))
    assert not (await ada.at("/new.txt")).json["executable"]


async def test_many_saves_in_a_row_are_as_many_versions(dav: Dav, ada: Person) -> None:
    contents = [f"save {n}".encode() for n in range(5)]
    await ada.upload("/plan.txt", OLD)

    for content in contents:
        await dance(dav, ("PUT", "/doc.tmp", content.decode()), ("MOVE", "/doc.tmp", "/plan.txt"))

    assert await hashes_of(ada, "/plan.txt") == hashed(*reversed(contents), OLD)


async def test_a_device_learns_of_a_save_as_an_edit(dav: Dav, ada: Person) -> None:
    doc = await ada.upload("/plan.txt", OLD)
    await dance(dav, ("PUT", "/plan.tmp", NEW.decode()))
    before = (await ada.get("/api/v1/sync")).json
    beside = (await ada.at("/plan.tmp")).json

    await dance(dav, ("MOVE", "/plan.tmp", "/plan.txt"))

    changes = (await ada.get("/api/v1/sync", params={"cursor": before["cursor"]})).json["changes"]
    told = {change["file"]["file_id"]: (change["type"], change["file"].get("sha256")) for change in changes}
    assert told[doc["file_id"]] == ("upsert", hashed(NEW)[0])
    assert told[beside["file_id"]][0] == "delete"


async def test_the_moment_before_a_save_is_seen_and_comes_back(server: Running, dav: Dav, ada: Person) -> None:
    await ada.upload("/plan.txt", OLD)
    await dance(dav, ("PUT", "/plan.tmp", NEW.decode()))
    moment = {"time_ms": (await ada.at("/plan.tmp")).json["modified_ms"]}
    await dance(dav, ("MOVE", "/plan.tmp", "/plan.txt"))

    seen = (await ada.get("/api/v1/folders/root/at", params=moment)).json["items"]
    begun = await ada.post("/api/v1/folders/root/rewind", moment)
    await server.cairn.jobs.wait_idle()

    assert [(file["path"], file["size"]) for file in seen] == [("/plan.txt", len(OLD))]
    assert begun.status == 202, begun.body
    assert (await dav.call("GET", "/dav/plan.txt")).body == OLD
    assert (await hashes_of(ada, "/plan.txt"))[1:] == hashed(NEW, OLD)
