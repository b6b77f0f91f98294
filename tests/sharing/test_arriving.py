"""A delete removes only what its author has seen, also of what another member is just moving in."""

from functools import partial

import pytest

from app.repositories.jobs import JobKind
from app.services.conversion import carry_slice
from app.services.jobs import JobService
from tests.api.conftest import Running
from tests.sharing.conftest import Member

SMALL = {JobKind.CARRY: partial(carry_slice, limit=3)}


@pytest.fixture
def runs_jobs() -> bool:
    """Slices are taken by the tests."""
    return False


async def seen_by(person: Member) -> int:
    """Return how far a person has read who reads now."""
    return int((await person.get("/api/v1/sync", params={"limit": "10000"})).json["seq"])


async def finish(service: JobService) -> None:
    """Take all slices that are left."""
    while await service.advance():
        pass


@pytest.mark.parametrize("path", ["/Shared", "/Shared/In", "/Shared/In/a", "/Shared/In/a/b"])
@pytest.mark.parametrize("done", [0, 1])
async def test_what_is_not_told_yet_keeps_its_folder_from_a_delete(
    server: Running, ada: Member, bob: Member, done: int, path: str
) -> None:
    service = JobService(server.cairn.database, SMALL)
    shared = await ada.shared("/Shared", "bob")
    await finish(service)
    mine = await bob.make_folder("/In")
    for number in range(4):
        await bob.upload(f"/In/a/b/{number}", b"of bob", parents=True)
    await bob.change(mine["file_id"], parent_id=shared["file_id"])
    for _ in range(done):
        await service.advance()
    seen = await seen_by(ada)
    folder = (await ada.at(path)).json

    early = await ada.call("DELETE", f"/api/v1/files/{folder['file_id']}", params={"if_below_seq": str(seen)})
    await finish(service)
    soon = await ada.call("DELETE", f"/api/v1/files/{folder['file_id']}", params={"if_below_seq": str(seen)})
    seen = await seen_by(ada)
    late = await ada.call("DELETE", f"/api/v1/files/{folder['file_id']}", params={"if_below_seq": str(seen)})

    assert (early.status, early.code) == (409, "conflict")
    assert (soon.status, soon.code) == (409, "conflict")
    assert late.status == 204
