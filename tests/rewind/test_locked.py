"""A rewind beside locks: what a program has locked stays as it is, and the job says so."""

from tests.api.conftest import Running
from tests.api.people import Person
from tests.locks.conftest import Start, made, start
from tests.rewind.keeper import finished

__all__ = ["start"]


async def test_a_rewind_leaves_alone_what_is_locked_and_says_so(server: Running, ada: Person, start: Start) -> None:
    program, folder = await start(ada), await ada.make_folder("/F")
    for name in "abc":
        await made(ada, f"/F/{name}")
    time_ms = (await ada.at("/F/c")).json["modified_ms"]
    for name in "abde":
        await made(ada, f"/F/{name}", b"three")
    await ada.change((await ada.at("/F/c")).json["file_id"], name="moved")
    for path in ("/F/a", "/F/d", "/F/moved"):
        await program.lock(path)

    asked = await ada.post(f"/api/v1/folders/{folder['file_id']}/rewind", {"time_ms": time_ms})

    job = await finished(server, ada, asked)
    kept = (await ada.get(f"/api/v1/jobs/{asked.json['job_id']}/kept")).json["items"]
    assert {(item["path"], item["reason"]) for item in kept} == {
        ("/F/a", "locked"),
        ("/F/d", "locked"),
        ("/F/moved", "locked"),
    }
    assert (job["result"]["changed"], job["result"]["kept"]) == (2, 3)
    assert await ada.names(folder["file_id"]) == ["a", "b", "d", "moved"]
    assert [(await ada.at(f"/F/{name}")).json["size"] for name in ("a", "b")] == [5, 3]


async def test_a_rewind_of_a_locked_folder_changes_nothing(server: Running, ada: Person, start: Start) -> None:
    program, folder = await start(ada), await ada.make_folder("/F")
    await made(ada, "/F/a")
    time_ms = (await ada.at("/F/a")).json["modified_ms"]
    gone = await made(ada, "/F/b", b"three")
    await made(ada, "/F/a", b"three")
    await program.lock("/F")

    asked = await ada.post(f"/api/v1/folders/{folder['file_id']}/rewind", {"time_ms": time_ms})

    job = await finished(server, ada, asked)
    assert (job["result"]["changed"], job["result"]["kept"]) == (0, 2)
    assert gone == (await ada.at("/F/b")).json["file_id"]
