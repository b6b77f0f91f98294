"""How people want the pages to be: kept, shown, and gone with their account."""

from http import HTTPStatus

import pytest

from app.application import Cairn
from app.repositories import preferences, users
from tests.accounts.api import ADMIN, PASSWORD, Api

pytestmark = pytest.mark.usefixtures("admin")

DEFAULTS = {"theme": "auto", "language": "", "shortcuts": True}


async def test_what_one_wants_is_kept_and_the_rest_stays(api: Api) -> None:
    ada = await api.log_in()
    assert (await ada.get("/api/v1/me")).json["preferences"] == DEFAULTS

    dark = await ada.call("PATCH", "/api/v1/me", json={"theme": "dark", "shortcuts": False})
    german = await ada.call("PATCH", "/api/v1/me", json={"language": "de"})

    assert dark.json == {"theme": "dark", "language": "", "shortcuts": False}
    assert german.json == {"theme": "dark", "language": "de", "shortcuts": False}
    assert (await ada.get("/api/v1/me")).json["preferences"] == german.json


async def test_everybody_has_their_own(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create("ben", PASSWORD)
    await (await api.log_in()).call("PATCH", "/api/v1/me", json={"theme": "dark"})

    assert (await (await api.log_in("ben")).get("/api/v1/me")).json["preferences"] == DEFAULTS


@pytest.mark.parametrize("wish", [{"theme": "pink"}, {"language": "xx"}, {"shortcuts": "no"}, {"is_admin": True}])
async def test_what_there_is_not_cannot_be_wanted(api: Api, wish: dict[str, object]) -> None:
    ada = await api.log_in()

    assert (await ada.call("PATCH", "/api/v1/me", json=wish)).status == HTTPStatus.BAD_REQUEST
    assert (await ada.get("/api/v1/me")).json["preferences"] == DEFAULTS


async def test_every_language_of_the_pages_can_be_wanted_and_no_other(api: Api, cairn: Cairn) -> None:
    ada = await api.log_in()

    for language in ("", *cairn.services.pages.texts.languages):
        assert (await ada.call("PATCH", "/api/v1/me", json={"language": language})).status == HTTPStatus.OK


async def test_nothing_of_it_is_left_of_an_account_that_is_deleted(api: Api, cairn: Cairn) -> None:
    user = await cairn.services.accounts.create("ben", PASSWORD)
    await (await api.log_in("ben")).call("PATCH", "/api/v1/me", json={"theme": "dark"})

    deleted = await (await api.log_in()).call("DELETE", "/api/v1/users/ben?files=delete")

    assert deleted.status == HTTPStatus.NO_CONTENT
    left = await cairn.database.read(lambda tx: (preferences.get(tx, user.id), users.find(tx, ADMIN)))
    assert left[0] == preferences.Preferences()
