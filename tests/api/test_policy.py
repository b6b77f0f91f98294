"""Which content types this server takes: judged before any URL is signed."""

import pytest

from app.config import Limits, Settings, Uploads
from tests.api.people import Person, noise

ROOM = Limits(free_disk_bytes=0, free_disk_percent=0)


class TestRefused:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(limits=ROOM, uploads=Uploads(refused_types=("application/x-msdownload", "video/*")))

    async def test_a_refused_type_gets_no_url(self, ada: Person) -> None:
        refused = ["application/x-msdownload", "VIDEO/mp4", "video/webm; codecs=vp9"]
        for content_type in refused:
            reply = await ada.request("/f", [noise(10)], content_type=content_type)
            assert (reply.status, reply.code) == (400, "invalid_request"), content_type
            assert b"/chunks/" not in reply.body
        assert (await ada.request("/film.mp4", [noise(10)])).status == 400  # judged by the name where none is said
        assert (await ada.request("/f", [noise(10)], content_type="image/png")).status == 201

    async def test_it_is_refused_in_one_shot_and_in_a_batch_too(self, ada: Person) -> None:
        one_shot = await ada.put("/f", b"x", **{"Content-Type": "video/mp4"})
        files = [
            {"path": f"/{kind}", "size": 0, "chunks": [], "content_type": kind + "/x"} for kind in ("video", "audio")
        ]
        batch = await ada.post("/api/v1/uploadRequest", {"files": files})

        assert (one_shot.status, one_shot.code) == (400, "invalid_request")
        assert [upload.get("code") for upload in batch.json["uploads"]] == ["invalid_request", None]


class TestAllowed:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(limits=ROOM, uploads=Uploads(allowed_types=("image/*", "text/plain")))

    async def test_only_allowed_types_get_urls(self, ada: Person) -> None:
        types = {"image/png": 201, "text/plain": 201, "text/html": 400, "application/image": 400, "imagex/png": 400}
        for content_type, status in types.items():
            reply = await ada.request(f"/{content_type.replace('/', '-')}", [noise(10)], content_type=content_type)
            assert reply.status == status, content_type
