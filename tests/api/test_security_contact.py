"""Whom to tell of a flaw of this server (security.md, E6): told to everybody if an operator has named somebody."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.config import Limits, Server, Settings, SettingsError, load
from tests.api.conftest import Running, Template, copy_template, serving
from tests.api.people import Person

PATH = "/.well-known/security.txt"
CONTACT = "mailto:ada@cairn.example"


async def test_nobody_is_told_of_where_nobody_is_named(server: Running, ada: Person, stranger: Person) -> None:
    for who in (stranger, ada):
        assert (await who.get(PATH)).status == 404


@pytest.mark.parametrize(
    ("public_url", "canonical"),
    [("", []), ("https://cairn.example/files/", [f"Canonical: https://cairn.example/files{PATH}"])],
)
async def test_a_contact_is_told_as_rfc_9116_wants_it(
    template: Template, tmp_path: Path, public_url: str, canonical: list[str]
) -> None:
    settings = Settings(
        Server(public_url=public_url, security_contact=CONTACT), limits=Limits(free_disk_bytes=0, free_disk_percent=0)
    )
    async with serving(copy_template(template, tmp_path / "data"), settings) as server:
        reply = await server.stranger.get(PATH)

    contact, expires, *more = reply.body.decode().splitlines()
    left = datetime.fromisoformat(expires.removeprefix("Expires: ")) - datetime.now(UTC)
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert contact == f"Contact: {CONTACT}"
    assert timedelta(days=29) < left < timedelta(days=31)
    assert more == canonical


@pytest.mark.parametrize("wrong", ["ada@cairn.example", "mailto:ada", "http://cairn.example", "mailto:a@b\nX: y"])
def test_what_is_no_contact_stops_the_start(wrong: str) -> None:
    with pytest.raises(SettingsError, match="SECURITY_CONTACT must be an address such as"):
        load(None, {"CAIRN_SERVER__SECURITY_CONTACT": wrong}, {})
