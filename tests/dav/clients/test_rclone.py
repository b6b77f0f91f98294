"""rclone, a current one of our own lock: what it copies arrives whole, with its time, and is not copied again."""

import asyncio
import base64
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unicodedata import normalize

import pytest

from tests.api.people import MIB, Person, noise
from tests.api.wire import eventually
from tests.dav.clients.programs import Rclone, rclone, rclone_for, run
from tests.dav.conftest import Dav
from tests.tree.keeper import trash_of, tree_below, versions_of

ODD = (
    "a b.txt",
    "#hash?.txt",
    "100%.txt",
    "%41.txt",
    "a+b&c=d;e.txt",
    "'single' \"double\".txt",
    "back\\slash.txt",
    "colon:star*.txt",
    "<less>.txt",
    "[x]{y}~`!$^.txt",
    " leading.txt",
    "trailing ",
    "dot.",
    "@2026-11-30",
    "..hidden",
    "@/today.txt",
    "deep/er/and deeper/ü.txt",
    "Größe/naïve — “quoted”.txt",
    "日本語/ファイル.txt",
    "עברית.txt",
    "emoji 😀.txt",
    "new\nline.txt",
    "x" * 200 + ".txt",
)
OLDEST_S = 1_500_000_000
CANNOT_MOUNT = (
    "there is no fusermount3"
    if shutil.which("fusermount3") is None
    else ""
    if Path("/dev/fuse").exists()
    else "there is no /dev/fuse"
)


def credentials(dav: Dav) -> tuple[str, str]:
    """Return name and password, as somebody types them into a program."""
    username, _, password = base64.b64decode(dav.authorization.removeprefix("Basic ")).decode().partition(":")
    return username, password


@pytest.fixture
async def remote(dav: Dav) -> Rclone:
    """Ada's rclone, set up as docs/webdav.md says."""
    return await rclone_for(f"http://127.0.0.1:{dav.port}/dav", *credentials(dav), "owncloud")


def fill(folder: Path, names: list[str] | tuple[str, ...]) -> Path:
    """Make files with contents and times of their own."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number} {name}" * (number % 7))
        os.utime(path, (OLDEST_S + number, OLDEST_S + number))
    return folder


def many(count: int) -> list[str]:
    return [f"{number % 20:02}/file {number:04}.txt" for number in range(count)]


def contents(folder: Path) -> dict[str, str]:
    """Return what is in a folder, by path; names as the server spells them."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {normalize("NFC", str(path.relative_to(folder))): path.read_text() for path in files}


@pytest.mark.parametrize("vendor", ["owncloud", "nextcloud", "other"])
async def test_odd_names_and_times_survive_the_way_there_and_back(
    dav: Dav, ada: Person, tmp_path: Path, vendor: str
) -> None:
    remote = await rclone_for(f"http://127.0.0.1:{dav.port}/dav", *credentials(dav), vendor)
    here = fill(tmp_path / "here", ODD)

    await remote("copy", here, "cairn:odd")
    checked = await remote("check", "--download", here, "cairn:odd")
    await remote("copy", "cairn:odd", tmp_path / "again")

    assert f"{len(ODD)} matching files" in checked.err
    assert contents(tmp_path / "again") == contents(here)
    if vendor != "other":  # rclone sets no times there
        times = {path.name: int(path.stat().st_mtime) for path in (tmp_path / "again").rglob("*") if path.is_file()}
        assert times == {Path(name).name: OLDEST_S + number for number, name in enumerate(ODD)}
        told = {file["path"]: file["mtime_ms"] for file in (await tree_below(ada)).values()}
        assert told["/odd/a b.txt"] == OLDEST_S * 1000


async def test_with_the_style_of_nextcloud_times_are_kept_and_set_and_what_changed_is_sent(
    dav: Dav, ada: Person, tmp_path: Path
) -> None:
    remote = await rclone_for(f"http://127.0.0.1:{dav.port}/dav", *credentials(dav), "nextcloud")
    here = fill(tmp_path / "here", many(40))
    film = here / "film.bin"
    film.write_bytes(noise(12 * MIB))  # longer than the pieces in which rclone would send it to a Nextcloud
    os.utime(film, (OLDEST_S, OLDEST_S))

    await remote("sync", here, "cairn:tree")
    again = await remote("sync", "-v", here, "cairn:tree")
    await remote("touch", "-t", "2020-01-02T03:04:05", "cairn:tree/film.bin")
    touched = (await ada.at("/tree/film.bin")).json
    await remote("sync", here, "cairn:tree")

    assert "There was nothing to transfer" in again.err
    assert touched["mtime_ms"] == 1_577_934_245_000
    assert (await ada.at("/tree/film.bin")).json["mtime_ms"] == OLDEST_S * 1000
    assert (await ada.get(f"/api/v1/files/{touched['file_id']}/content")).body == film.read_bytes()


async def sync(remote: Rclone, ada: Person, tmp_path: Path, count: int) -> None:
    """Sync a tree there, change it in every way, sync again: only what changed is sent, and nothing is lost."""
    names = many(count)
    here = fill(tmp_path / "here", names)
    await remote("sync", here, "cairn:tree", "--transfers", "8", "--checkers", "8")
    assert "There was nothing to transfer" in (await remote("sync", "-v", here, "cairn:tree")).err

    edited, removed, renamed = (here / name for name in names[-3:])
    edited.write_text("edited")
    removed.unlink()
    renamed.rename(here / "renamed.txt")
    (here / "new.txt").write_text("new")
    again = await remote("sync", "-v", here, "cairn:tree")
    back = await remote("check", "--download", here, "cairn:tree")

    assert again.err.count(": Copied") == 3
    assert again.err.count(": Deleted") == 2
    assert f"{count} matching files" in back.err
    assert sorted(entry["path"] for entry in await trash_of(ada)) == [f"/tree/{names[-2]}", f"/tree/{names[-1]}"]
    file = (await ada.at(f"/tree/{names[-3]}")).json
    assert len((await versions_of(ada, file)).json["items"]) == 2


async def test_sync_sends_what_changed_and_what_it_takes_away_is_kept(
    remote: Rclone, ada: Person, tmp_path: Path
) -> None:
    await sync(remote, ada, tmp_path, 200)


@pytest.mark.soak
@pytest.mark.timeout(1200)
async def test_sync_of_5000_files(remote: Rclone, ada: Person, tmp_path: Path) -> None:
    await sync(remote, ada, tmp_path, 5000)


async def test_a_time_alone_is_set_without_sending_the_file(remote: Rclone, ada: Person) -> None:
    await ada.put("/a.txt", b"a")

    await remote("touch", "-t", "2020-01-02T03:04:05", "cairn:a.txt")

    file = (await ada.at("/a.txt")).json
    assert file["mtime_ms"] == 1_577_934_245_000
    assert len((await versions_of(ada, file)).json["items"]) == 1


async def test_move_takes_files_away_here_and_within_the_server_moves_no_bytes(
    remote: Rclone, ada: Person, tmp_path: Path
) -> None:
    here = fill(tmp_path / "here", ["a.txt", "sub/b.txt"])
    await remote("move", here, "cairn:first", "--delete-empty-src-dirs")
    before = {path: file["file_id"] for path, file in (await tree_below(ada)).items() if file["kind"] == "file"}

    await remote("move", "cairn:first/sub", "cairn:second")
    await remote("moveto", "cairn:first/a.txt", "cairn:second/renamed ä.txt")

    assert contents(here) == {}
    after = {path: file["file_id"] for path, file in (await tree_below(ada)).items() if file["kind"] == "file"}
    assert after == {
        "/second/b.txt": before["/first/sub/b.txt"],
        "/second/renamed ä.txt": before["/first/a.txt"],
    }


async def test_copies_and_deletes_within_the_server(remote: Rclone, ada: Person) -> None:
    await ada.upload("/first/a.txt", b"kept", parents=True)

    await remote("copyto", "cairn:first/a.txt", "cairn:first/b.txt")
    await remote("purge", "cairn:first")
    about = await remote("about", "cairn:")

    assert await tree_below(ada) == {}
    assert [entry["path"] for entry in await trash_of(ada)] == ["/first"]
    assert "Used:" in about.out
    assert "Free:" in about.out


async def test_a_part_of_a_file_is_read_without_the_rest(remote: Rclone, ada: Person) -> None:
    film = noise(3 * MIB)
    await ada.put("/film.bin", film)

    part = await remote("cat", "cairn:film.bin", "--offset", "2000000", "--count", "5000")
    end = await remote("cat", "cairn:film.bin", "--offset", "-10")

    assert part.raw == film[2_000_000:2_005_000]
    assert end.raw == film[-10:]


@asynccontextmanager
async def serving_again(remote: Rclone, cache: Path) -> AsyncIterator[Dav]:
    """Let rclone serve what it sees of the server, through the cache that a mount uses (`--vfs-cache-mode full`)."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    command = [str(rclone()), "serve", "webdav", "cairn:", "--addr", f"127.0.0.1:{port}"]
    command += ["--vfs-cache-mode", "full", "--vfs-write-back", "0", "--cache-dir", str(cache)]
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | remote.settings)
    try:
        again = Dav(port)

        async def is_up() -> bool:
            try:
                return (await again.call("OPTIONS", "/")).status == 200
            except OSError:
                return False

        await eventually(is_up)
        yield again
    finally:
        process.terminate()
        await process.wait()


async def test_through_the_cache_of_a_mount_parts_are_read_and_edits_written_back(
    remote: Rclone, ada: Person, tmp_path: Path
) -> None:
    film = noise(3 * MIB)
    await ada.put("/film.bin", film)
    await ada.put("/notes.txt", b"as it was")

    async with serving_again(remote, tmp_path / "cache") as mounted:
        end = await mounted.call("GET", "/film.bin", Range="bytes=3000000-3000099")
        start = await mounted.call("GET", "/film.bin", Range="bytes=0-99")
        saved = await mounted.call("PUT", "/notes.txt", b"as it is now")

        async def is_there() -> bool:
            return int((await ada.at("/notes.txt")).json["size"]) == len(b"as it is now")

        await eventually(is_there)

    assert (end.status, end.body) == (206, film[3_000_000:3_000_100])
    assert (start.status, start.body) == (206, film[:100])
    assert saved.status in (200, 201, 204)


@asynccontextmanager
async def mounted(remote: Rclone, folder: Path) -> AsyncIterator[Path]:
    """Mount the server as docs/webdav.md says. This process must not touch the mount: its server could not answer."""
    point = folder / "mount"
    point.mkdir()
    command = [str(rclone()), "mount", "cairn:", str(point), "--vfs-cache-mode", "full", "--vfs-write-back", "0"]
    command += ["--cache-dir", str(folder / "cache")]
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | remote.settings)
    try:

        async def is_there() -> bool:
            if process.returncode is not None:
                pytest.skip("rclone cannot mount here")
            return (await run("mountpoint", "-q", point)).code == 0

        await eventually(is_there)
        yield point
    finally:
        if process.returncode is None:
            process.terminate()  # it unmounts
        await process.wait()


@pytest.mark.skipif(bool(CANNOT_MOUNT), reason=CANNOT_MOUNT)
async def test_a_mount_reads_parts_and_writes_back(remote: Rclone, ada: Person, tmp_path: Path) -> None:
    film = noise(3 * MIB)
    await ada.put("/film.bin", film)

    async with mounted(remote, tmp_path) as point:
        part = await run("dd", f"if={point}/film.bin", "bs=1000", "skip=2000", "count=2", "status=none")
        script = 'cd "$1"; mkdir Über; echo new > "Über/neu ä.txt"; rm film.bin'
        changed = await run("sh", "-ec", script, "sh", point)

        async def is_sent() -> bool:  # what was closed goes up behind the writer's back
            return sorted(await tree_below(ada)) == ["/Über", "/Über/neu ä.txt"]

        await eventually(is_sent)

    assert part.raw == film[2_000_000:2_002_000]
    assert changed.code == 0, changed.err
    assert [entry["path"] for entry in await trash_of(ada)] == ["/film.bin"]
