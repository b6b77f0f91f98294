"""A ransomware rehearsal: one device overwrites and renames what it finds, another goes on working; undo the first."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.auth.identity import Actor, ActorKind
from app.ids import decode_id
from tests.api.conftest import Running
from tests.api.people import Person, entries, noise
from tests.feed.reader import Reader
from tests.rewind.conftest import time_of
from tests.rewind.keeper import device_of, kept_by, picture, undone
from tests.tree.keeper import grow, tree_below

AT_ONCE = 500


async def test_what_a_device_ruined_is_put_back_and_what_another_did_stays(
    server: Running, ada: Person, second: Person
) -> None:
    await rehearse(server, ada, second, files=2_000, ruined=800, edits=10, late=4)


@pytest.mark.soak
@pytest.mark.timeout(3600)
async def test_twenty_thousand_files_are_put_back_within_ten_seconds(
    server: Running, ada: Person, second: Person
) -> None:
    took_s = await rehearse(server, ada, second, files=50_000, ruined=20_000, edits=100, late=20)

    assert took_s < 10, took_s


async def rehearse(
    server: Running, ada: Person, second: Person, *, files: int, ruined: int, edits: int, late: int
) -> float:
    """Do it all; return the seconds that the undo took."""
    contents = [b"what was good", b"an edit", noise(13)]
    for number, content in enumerate(contents):
        await ada.upload(f"/seed{number}", content)
    good, edit, bad = contents
    await grow(ada, [f"/tree/{number // 500}/{number}" for number in range(files)], good)
    tree = [file for file in (await tree_below(ada)).values() if file["kind"] == "file" and file["path"].count("/") > 1]
    victims, others = tree[:ruined], tree[-edits:]
    readers = [await reading(server, person) for person in (ada, second)]
    start = time_of(server.folder)

    await overwrite(second, victims, bad)
    for file in victims:
        reply = await second.change(file["file_id"], name=f"{file['name']}.locked")
        assert reply.status == 200, reply.body
    end = time_of(server.folder)
    await overwrite(ada, others, edit)
    await overwrite(ada, [(await ada.get(f"/api/v1/files/{file['file_id']}")).json for file in victims[:late]], edit)
    before = await picture(ada)
    for reader in readers:
        await reader.catch_up()

    started_s = time.perf_counter()
    job = await undone(server, ada, device_id=await device_of(second), from_ms=start + 1, to_ms=end)
    took_s = time.perf_counter() - started_s

    kept, after = await kept_by(ada, job), await picture(ada)
    wanted = {file["file_id"]: file for file in victims[late:]}
    assert kept == {file["file_id"]: "changed" for file in victims[:late]}
    assert job["result"] == {"changed": ruined - late, "kept": late, "reason": None}
    assert after.keys() == before.keys()
    for file_id, seen in after.items():
        if file_id in wanted:
            was = wanted[file_id]
            assert seen == (was["path"], "file", was["size"], was["sha256"], was["mtime_ms"], was["executable"])
        else:
            assert seen == before[file_id]
    for reader in readers:
        await reader.catch_up()
        assert {file.path for file in reader.files.values()} - {"/"} == {seen[0] for seen in after.values()}
    return took_s


async def overwrite(person: Person, files: list[Any], content: bytes) -> None:
    """Give files one content, whose chunk is known, many at once."""
    for at in range(0, len(files), AT_ONCE):
        asked = [
            {
                "file_id": file["file_id"],
                "base_version": file["version_id"],
                "size": len(content),
                "chunks": entries(content),
            }
            for file in files[at : at + AT_ONCE]
        ]
        reply = await person.post("/api/v1/uploadRequest", {"files": asked})
        ids = [upload["upload_id"] for upload in reply.json["uploads"]]
        results = (await person.post("/api/v1/uploads/commit", {"upload_ids": ids})).json["results"]
        assert all("file" in result for result in results), results


async def reading(server: Running, person: Person) -> Reader:
    """Return a device of the person's that has read the feed to its end."""
    number = decode_id(await device_of(person))[0]
    actor = Actor(number, user_of(server.folder, number), "ada", 1, ActorKind.DEVICE, is_admin=True, proved_ms=0)
    reader = Reader(server.cairn, actor, 500)
    await reader.catch_up()
    return reader


def user_of(folder: Path, device: int) -> int:
    with closing(sqlite3.connect(f"file:{folder / 'metadata.db'}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT user_id FROM actors WHERE id = ?", (device,)).fetchone()[0])
