"""cadaver and davfs2, as they are installed: both speak through neon, which takes the RFC at its word."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.api.people import Person
from tests.api.wire import eventually
from tests.dav.clients.programs import Done, installed, run
from tests.dav.clients.test_rclone import credentials
from tests.dav.conftest import Dav
from tests.dav.test_move import hashes_of
from tests.dav.test_saves import hashed
from tests.tree.keeper import trash_of, tree_below

TYPED = """
mkcol papers
cd papers
put {here}/first.txt "a b.txt"
propset "a b.txt" author Ada
propget "a b.txt" author
lock "a b.txt"
discover "a b.txt"
put {here}/second.txt "a b.txt"
unlock "a b.txt"
copy "a b.txt" copied.txt
move copied.txt moved.txt
ls
get moved.txt {here}/got.txt
delete moved.txt
cd ..
mkcol empty
rmcol empty
quit
"""
MOUNTING = shutil.which("mount.davfs", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
CANNOT_MOUNT = (
    "davfs2 is not installed"
    if MOUNTING is None
    else "there is no /dev/fuse"
    if not Path("/dev/fuse").exists()
    else "only the superuser may mount here"
    if os.geteuid() != 0
    else ""
)


async def test_cadaver_does_all_that_it_can(dav: Dav, ada: Person, tmp_path: Path) -> None:
    username, password = credentials(dav)
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine 127.0.0.1\nlogin {username}\npassword {password}\n")
    netrc.chmod(0o600)
    (tmp_path / "first.txt").write_text("as it was")
    (tmp_path / "second.txt").write_text("as it is now")

    done = await run(
        installed("cadaver"),
        f"http://127.0.0.1:{dav.port}/dav/",
        environment={"HOME": str(tmp_path)},
        typed=TYPED.format(here=tmp_path),
    )

    assert done.code == 0
    assert "failed" not in done.out
    assert "Value of author is: Ada" in done.out
    assert "Scope: exclusive  Type: write" in done.out
    assert (tmp_path / "got.txt").read_text() == "as it is now"
    assert sorted(await tree_below(ada)) == ["/papers", "/papers/a b.txt"]
    assert await hashes_of(ada, "/papers/a b.txt") == hashed(b"as it is now", b"as it was")
    assert sorted(entry["path"] for entry in await trash_of(ada)) == ["/empty", "/papers/moved.txt"]


def prepared(folder: Path, url: str, dav: Dav) -> Path:
    """Write what davfs2 reads, and return its configuration; it drops its rights to a user who must get through."""
    folder.chmod(0o755)
    (folder / "mount").mkdir()
    (folder / "cache").mkdir()
    (folder / "cache").chmod(0o777)
    secrets = folder / "secrets"
    secrets.write_text(f"{url} {' '.join(credentials(dav))}\n")
    secrets.chmod(0o600)
    settings = folder / "davfs2.conf"
    settings.write_text(f"use_locks 1\nask_auth 0\ndelay_upload 0\nsecrets {secrets}\ncache_dir {folder / 'cache'}\n")
    return settings


@asynccontextmanager
async def mounted(dav: Dav) -> AsyncIterator[Path]:
    """Mount the server with davfs2."""
    url = f"http://127.0.0.1:{dav.port}/dav/"
    with tempfile.TemporaryDirectory() as name:
        settings = prepared(Path(name), url, dav)
        done = await run(installed("mount.davfs"), "-o", f"conf={settings},uid={os.getuid()}", url, f"{name}/mount")
        if done.code != 0:
            pytest.skip(f"davfs2 cannot mount here: {done.err.strip()}")
        try:
            yield Path(name, "mount")
        finally:
            await run(installed("umount"), f"{name}/mount")


async def shell(folder: Path, script: str) -> Done:
    """Run a script in a mounted folder. This process must not touch that itself: its server could not answer then."""
    return await run("sh", "-ec", f'cd "$1"; {script}', "sh", folder)


async def reaches(ada: Person, path: str, size: int) -> None:
    """Wait until a file is at the server: davfs2 sends when it has been closed."""

    async def is_there() -> bool:
        reply = await ada.at(path)
        return reply.status == 200 and reply.json["size"] == size

    await eventually(is_there)


@pytest.mark.skipif(bool(CANNOT_MOUNT), reason=CANNOT_MOUNT)
async def test_davfs2_mounts_and_saves_under_locks(dav: Dav, ada: Person) -> None:
    await ada.upload("/Papers/a b.txt", b"from elsewhere", parents=True)

    async with mounted(dav) as folder:
        read = await shell(folder, "cat 'Papers/a b.txt'")
        await shell(folder, "printf 'as it was' > new.txt")
        await reaches(ada, "/new.txt", 9)
        await shell(folder, "printf 'as it is now' > new.txt")
        await reaches(ada, "/new.txt", 12)
        moved = await shell(folder, "mkdir Über; mv new.txt 'Über/neu ä.txt'; rm 'Papers/a b.txt'")

    assert read.out == "from elsewhere"
    assert moved.code == 0, moved.err
    assert sorted(await tree_below(ada)) == ["/Papers", "/Über", "/Über/neu ä.txt"]
    assert (await hashes_of(ada, "/Über/neu ä.txt"))[:2] == hashed(b"as it is now", b"as it was")
    assert [entry["path"] for entry in await trash_of(ada)] == ["/Papers/a b.txt"]
