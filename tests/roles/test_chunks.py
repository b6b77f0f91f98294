"""Chunks through processes of their own, behind a real nginx set up as docs/roles.md says, and killed under way."""

import json
import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.roles.site import PATIENCE_S, Site, opened, until

SIZE = 48 * 1024 * 1024


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """What all tests here share."""
    with opened(tmp_path_factory.mktemp("nginx"), "chunks", "chunks") as site:
        yield site


def staged(site: Site) -> int:
    """Return how many chunks lie in staging or in place."""
    store = site.main.data / "store"
    return sum(1 for folder in ("staging", "chunks") for path in (store / folder).rglob("*") if path.is_file())


def kill_chunks(site: Site) -> None:
    site.kill("chunks")
    site.start("chunks")


def test_an_upload_goes_on_whichever_process_is_killed(site: Site, tmp_path: Path) -> None:
    device, _ = site.log_in(tmp_path / "home")
    source, again = tmp_path / "source", tmp_path / "again"
    source.write_bytes(os.urandom(SIZE))

    put = device.begin("put", "--quiet", source, "/large.bin")
    for stored, kill in ((3, kill_chunks), (8, Site.kill_main), (14, kill_chunks)):
        until(lambda: staged(site) >= stored)  # noqa: B023 - waited for at once
        put.send_signal(signal.SIGSTOP)  # so that it cannot be done before
        kill(site)
        put.send_signal(signal.SIGCONT)
    _, errors = put.communicate(timeout=PATIENCE_S)
    taken = re.search(rb"cairn_received_bytes_total (\d+)", site.ask("GET", "/metrics")[2])
    device.ok("get", "--quiet", "/large.bin", again)
    site.beside["chunks"][-1].send_signal(signal.SIGTERM)
    checked = device.ok("fsck", "--content", "--data", site.main.data)

    assert put.returncode == 0, errors
    assert again.read_bytes() == source.read_bytes()
    assert taken is not None
    assert int(taken[1]) < SIZE // 100, "the main process took bytes of chunks"
    assert stat.S_IMODE((site.main.data / "guard" / "chunks.sock").stat().st_mode) == 0o600
    assert site.beside["chunks"][-1].wait(PATIENCE_S) == 0
    assert checked.code == 0


def test_a_cache_gives_chunks_to_those_alone_who_show_a_signature(site: Site, tmp_path: Path) -> None:
    device, token = site.log_in(tmp_path / "home")
    source, text = tmp_path / "source", tmp_path / "text"
    source.write_bytes(os.urandom(200_000))
    text.write_bytes(b"what compresses " * 12_500)
    device.ok("put", "--quiet", source, "/a.bin")
    device.ok("put", "--quiet", text, "/a.txt")
    bearer = {"Authorization": f"Bearer {token}"}

    def signed(path: str) -> str:
        file_id = json.loads(site.ask("GET", f"/api/v1/files?path={path}", **bearer)[2])["file_id"]
        told = json.loads(site.ask("GET", f"/api/v1/download?file_id={file_id}", **bearer)[2])
        return str(told["chunks"][0]["url"])

    url, packed = signed("/a.bin"), signed("/a.txt")
    first, second = site.ask("GET", url), site.ask("GET", url)
    part = site.ask("GET", url, Range="bytes=10-19")
    as_stored, plain = site.ask("GET", packed, Accept_Encoding="zstd"), site.ask("GET", packed)
    bare = site.ask("GET", urlsplit(url).path)
    forged = site.ask("GET", url[:-1] + ("A" if url[-1] != "A" else "B"))
    device.ok("keys", "rotate", "--now", "--data", site.main.data)
    voided, fresh = site.ask("GET", url), site.ask("GET", signed("/a.bin"))

    assert [first[1]["X-Cache"], second[1]["X-Cache"], fresh[1]["X-Cache"]] == ["MISS", "HIT", "HIT"]
    assert first[2] == second[2] == fresh[2] == source.read_bytes()
    assert (part[0], part[2]) == (206, first[2][10:20])
    assert (as_stored[1]["Content-Encoding"], plain[2]) == ("zstd", text.read_bytes())
    assert [bare[0], forged[0], voided[0]] == [403, 403, 403]
    assert json.loads(voided[2])["code"] == "bad_signature"


def test_the_main_process_serves_the_feed_where_no_process_of_its_own_does(site: Site, tmp_path: Path) -> None:
    _, token = site.log_in(tmp_path / "home")

    answer = site.ask("GET", "/api/v1/sync", Authorization=f"Bearer {token}")

    assert (answer[0], "cursor" in json.loads(answer[2])) == (200, True)
