"""Links with a password: nothing without it, a cookie for whoever knows it, and few tries for whoever does not."""

from http import HTTPStatus
from pathlib import Path

import pytest

from app.config import Settings
from tests.accounts.api import ADMIN
from tests.api.conftest import Template, copy_template, serving
from tests.api.people import Person
from tests.links.people import PASSWORD, Holder, change, make_link

DOORS = ("/content", "/children", "/archive.zip")


async def test_without_the_password_nothing_is_told_and_nothing_given(ada: Person) -> None:
    await ada.make_folder("/diary")
    holder = await make_link(ada, "/diary", password=PASSWORD)

    told = (await holder.ask()).json
    page = (await holder.ask(headers={"Accept": "text/html"})).body
    refused = [(await holder.ask(door)).status for door in DOORS]

    assert told["needs_password"] is True
    assert {value for name, value in told.items() if name not in ("mode", "needs_password")} == {None}
    assert b"diary" not in page
    assert refused == [HTTPStatus.FORBIDDEN] * 3


async def test_the_password_gives_a_cookie_that_opens_this_link_alone(ada: Person) -> None:
    await ada.make_folder("/d")
    await ada.put("/d/f", b"inside")
    holder, other = [await make_link(ada, "/d", password=PASSWORD) for _ in range(2)]

    reply = await holder.show_password(PASSWORD)
    other.cookie = holder.cookie

    assert reply.status == HTTPStatus.NO_CONTENT
    attributes = reply.headers["Set-Cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=Lax"} <= set(attributes)
    assert not any(attribute.startswith(("Domain", "Path")) for attribute in attributes)
    assert list(await holder.listed()) == ["f"]
    assert (await holder.ask()).json["name"] == "d"
    assert [(await other.ask(door)).status for door in DOORS] == [HTTPStatus.FORBIDDEN] * 3


async def test_a_new_password_ends_the_cookies_of_the_old_one(ada: Person) -> None:
    await ada.make_folder("/d")
    holder = await make_link(ada, "/d", password=PASSWORD)
    await holder.show_password(PASSWORD)

    await change(ada, holder, password="another-otter-lantern-8")
    ended = await holder.ask("/children")
    again = await holder.show_password("another-otter-lantern-8")

    assert ended.status == HTTPStatus.FORBIDDEN
    assert again.status == HTTPStatus.NO_CONTENT
    assert await holder.listed() == {}
    assert (await change(ada, holder, password=None)).json["has_password"] is False
    holder.cookie = None
    assert await holder.listed() == {}


@pytest.mark.parametrize("cookie", ["", "x", "cairn_link=", "cairn_link=a.1.b"])
async def test_a_cookie_that_nobody_gave_opens_nothing(ada: Person, cookie: str) -> None:
    await ada.make_folder("/d")
    holder = await make_link(ada, "/d", password=PASSWORD)
    holder.cookie = cookie

    assert (await holder.ask("/children")).status == HTTPStatus.FORBIDDEN


async def test_every_change_of_a_cookie_spoils_it(ada: Person) -> None:
    await ada.make_folder("/d")
    holder = await make_link(ada, "/d", password=PASSWORD)
    await holder.show_password(PASSWORD)
    good = holder.cookie or ""
    key, expires, mac = good.partition("=")[2].split(".")

    for bad in (
        f"{key}.{int(expires) + 1}.{mac}",
        f"{key}.{expires}.{mac[:-1]}{'0' if mac[-1] != '0' else '1'}",
        f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}.{expires}.{mac}",
        f"{key}.{expires}.",
        f"{key}.{expires}.{mac}0",
    ):
        holder.cookie = f"cairn_link={bad}"
        assert (await holder.ask("/children")).status == HTTPStatus.FORBIDDEN, bad
    holder.cookie = good
    assert (await holder.ask("/children")).status == HTTPStatus.OK


async def test_guesses_are_few_and_count_at_other_doors_too(ada: Person) -> None:
    await ada.make_folder("/d")
    holder = await make_link(ada, "/d", password=PASSWORD)

    statuses = [(await holder.show_password(f"guess number {number}")).status for number in range(12)]
    right = await holder.show_password(PASSWORD)

    assert statuses == [HTTPStatus.FORBIDDEN] * 10 + [HTTPStatus.TOO_MANY_REQUESTS] * 2
    assert right.status == HTTPStatus.TOO_MANY_REQUESTS
    assert int(right.headers["Retry-After"]) > 0
    other: Holder = await make_link(ada, "/d", password=PASSWORD)
    assert (await other.show_password(PASSWORD)).status == HTTPStatus.NO_CONTENT


async def test_the_form_of_the_page_opens_the_link(ada: Person) -> None:
    await ada.make_folder("/d")
    holder = await make_link(ada, "/d", password=PASSWORD)

    wrong = await holder.ask("/password", "POST", data={"password": "wrong"})
    right = await holder.ask("/password", "POST", data={"password": PASSWORD}, allow_redirects=False)

    assert wrong.status == HTTPStatus.FORBIDDEN
    assert "The password is wrong." in wrong.body.decode()
    assert right.status == HTTPStatus.SEE_OTHER
    assert right.headers["Location"] == f"../{holder.url.rpartition('/')[2]}"


async def test_a_pass_is_good_after_a_restart_and_for_half_a_day(
    template: Template, settings: Settings, tmp_path: Path
) -> None:
    folder = copy_template(template, tmp_path / "again")
    async with serving(folder, settings) as server:
        ada = Person(server.session, template.tokens[ADMIN])
        await ada.make_folder("/d")
        holder = await make_link(ada, "/d", password=PASSWORD)
        await holder.show_password(PASSWORD)
    async with serving(folder, settings) as server:
        holder.client, signer = server.session, server.cairn.signer

        assert (await holder.ask("/children")).status == HTTPStatus.OK
        server.cairn.services.visits._passes._now_s = lambda: signer.now_s() + 12 * 3600  # noqa: SLF001 - a clock to set
        assert (await holder.ask("/children")).status == HTTPStatus.FORBIDDEN
