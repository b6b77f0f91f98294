from http import HTTPStatus
from importlib import metadata

import pytest

from app.application import Cairn
from tests.accounts.api import ADMIN, PASSWORD, Api

pytestmark = pytest.mark.usefixtures("admin")


async def test_me_tells_who_asks_what_is_theirs_and_how_to_talk_to_this_server(api: Api) -> None:
    me = (await (await api.log_in()).get("/api/v1/me")).json

    assert me["user"]["username"] == ADMIN
    assert me["user"]["is_admin"] is True
    assert (me["quota"], me["used"]) == (None, 0)
    assert [(space["role"], space["used"]) for space in me["spaces"]] == [("owner", 0)]
    assert me["server"] == {"name": "Cairn", "version": metadata.version("cairn"), "public_url": ""}
    assert me["limits"] == {
        "chunk_size": 8 * 1024 * 1024,
        "chunks_per_file": 262_144,
        "chunks_per_answer": 4096,
        "files_per_batch": 1000,
        "chunks_per_batch": 262_144,
        "bundle_size": 32 * 1024 * 1024,
        "bundle_frames": 4096,
        "name_size": 255,
        "path_size": 4096,
        "depth": 128,
    }
    assert me["chunker"] == {
        "algorithm": "fastcdc-2020",
        "min_size": 256 * 1024,
        "average_size": 1024 * 1024,
        "max_size": 4 * 1024 * 1024,
        "normalization": 1,
    }


async def test_the_root_of_the_first_space_is_the_home(api: Api) -> None:
    device = await api.log_in()
    space = (await device.get("/api/v1/me")).json["spaces"][0]

    home = (await device.get("/api/v1/files/root")).json

    assert (home["file_id"], home["space_id"], home["path"]) == (space["root_id"], space["space_id"], "/")


async def test_quota_and_use_are_the_users_own(api: Api, cairn: Cairn) -> None:
    await cairn.services.accounts.create("ben", PASSWORD, quota=1000)
    ada, ben = await api.log_in(), await api.log_in("ben")
    put = await ben.call("PUT", "/api/v1/files/content?path=/a.txt", data=b"x" * 600)
    assert put.status == HTTPStatus.CREATED, put.body

    ada_me, ben_me = (await ada.get("/api/v1/me")).json, (await ben.get("/api/v1/me")).json

    assert (ben_me["quota"], ben_me["used"], ben_me["user"]["is_admin"]) == (1000, 600, False)
    assert (ada_me["quota"], ada_me["used"]) == (None, 0)
    over = await ben.call("PUT", "/api/v1/files/content?path=/b.txt", data=b"x" * 401)
    assert (over.status, over.code) == (HTTPStatus.INSUFFICIENT_STORAGE, "quota_exceeded")
