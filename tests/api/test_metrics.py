"""The numbers for Prometheus: off unless asked for, whole, and with nothing of anybody in them."""

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from app.application import route_table
from app.config import Limits, Metrics, Settings, SettingsError
from app.services.metrics import read_token
from tests.accounts.api import ADMIN, Api, Reply
from tests.api.conftest import Running, Template, copy_template, serving
from tests.api.people import Person

LINE = re.compile(r'[a-z_]+(\{([a-z]+="[^"\\\n]*",?)+\})? [0-9.e+-]+')
TOKEN = secrets.token_urlsafe(32)


@asynccontextmanager
async def measured(template: Template, folder: Path, metrics: Metrics) -> AsyncIterator[Running]:
    limits = Limits(free_disk_bytes=0, free_disk_percent=0)
    async with serving(copy_template(template, folder / "data"), Settings(limits=limits, metrics=metrics)) as server:
        yield server


def token_file(folder: Path, token: str = TOKEN) -> str:
    path = folder / "token"
    path.write_text(token + "\n")
    return str(path)


def values(reply: Reply) -> dict[str, float]:
    """Give each line's value by its name with labels."""
    lines = [line for line in reply.body.decode().splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines), lines
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_metrics_are_off_unless_asked_for_and_then_like_a_path_that_is_not_there(
    server: Running, ada: Person, stranger: Person
) -> None:
    for who in (stranger, ada):
        off, absent = await who.get("/metrics"), await who.get("/nothing")
        assert off.status == absent.status == 404
        assert off.json.keys() == absent.json.keys()
        assert off.code == absent.code


async def test_metrics_are_for_whoever_holds_their_token_and_no_other(template: Template, tmp_path: Path) -> None:
    async with measured(template, tmp_path, Metrics(token_file=token_file(tmp_path))) as server:
        given = await Api(server.session, TOKEN).get("/metrics")
        refused = [
            await Api(server.session, token).get("/metrics")
            for token in (None, "", TOKEN[:-1], TOKEN + "x", template.tokens[ADMIN])
        ]
        in_the_query = await server.stranger.get(f"/metrics?token={TOKEN}")

    assert given.status == 200
    assert given.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert {(reply.status, reply.code) for reply in [*refused, in_the_query]} == {(401, "unauthenticated")}


async def test_metrics_may_be_open_to_all(template: Template, tmp_path: Path) -> None:
    async with measured(template, tmp_path, Metrics(open=True)) as server:
        assert (await server.stranger.get("/metrics")).status == 200


async def test_metrics_count_requests_by_line_of_the_route_table_and_nothing_finer(
    template: Template, tmp_path: Path
) -> None:
    async with measured(template, tmp_path, Metrics(open=True)) as server:
        ada = Person(server.session, template.tokens[ADMIN])
        before = values(await ada.get("/metrics"))
        names = [f"secret name {n}" for n in range(20)]
        ids = [(await ada.put(f"/{name}", b"x")).json["file_id"] for name in names]
        for file_id in ids:
            await ada.content(file_id)
            await ada.get(f"/no/such/{file_id}")
        async with server.session.request("PROPFIND", "/odd"):
            pass
        reply = await ada.get("/metrics")
        after = values(reply)

    content = 'cairn_requests_total{method="GET",route="/api/v1/files/{file_id}/content",status="2xx"}'
    assert after[content] == 20
    assert after['cairn_requests_total{method="-",route="-",status="4xx"}'] == 21
    assert after['cairn_requests_total{method="PUT",route="/api/v1/files/content",status="2xx"}'] == 20
    assert after["cairn_received_bytes_total"] == before["cairn_received_bytes_total"] + 20
    assert after["cairn_commits_total"] >= before["cairn_commits_total"] + 20
    assert after['cairn_request_seconds_total{method="-",route="-"}'] > 0
    text = reply.body.decode()
    assert not [secret for secret in (*names, *ids, f'"{ADMIN}"', "127.0.0.1", "PROPFIND") if secret in text]
    lines = {route.path for route in route_table()} | {"-"}
    assert set(re.findall(r'route="([^"]*)"', text)) <= lines


async def test_metrics_tell_of_disk_and_process(template: Template, tmp_path: Path) -> None:
    async with measured(template, tmp_path, Metrics(open=True)) as server:
        found = values(await server.stranger.get("/metrics"))

    assert 0 < found["cairn_disk_free_bytes"] <= found["cairn_disk_bytes"]
    assert (found["cairn_uploads_refused"], found["cairn_read_only"]) == (0, 0)
    assert 10_000_000 < found["process_resident_memory_bytes"] < 2_000_000_000
    assert found["process_open_fds"] > 3
    assert found["process_cpu_seconds_total"] > 0


async def test_metrics_wait_for_an_admin(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", replace(Settings(), metrics=Metrics(open=True))) as server:
        assert (await server.stranger.get("/metrics")).status == 503


@pytest.mark.parametrize("content", ["", "short", "\N{SNOWMAN}" * 40])
def test_a_token_that_could_be_guessed_stops_the_start(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_text(content, "utf-8")

    with pytest.raises(SettingsError, match=r"^metrics\.token_file: .* (must hold at least 32|cannot be read)"):
        read_token(str(path))


def test_a_token_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_token(str(tmp_path / "none"))
