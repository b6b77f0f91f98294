"""What is decided about a shared folder while a job still carries something into it or out of it."""

import pytest

from tests.api.conftest import Running
from tests.api.people import noise
from tests.sharing.conftest import Member


@pytest.fixture
def runs_jobs() -> bool:
    """Nobody works jobs off but who waits for them."""
    return False


async def test_the_heirs_quota_is_asked_for_what_is_still_carried_in(ada: Member, bob: Member, server: Running) -> None:
    folder = await ada.shared("/Plans", "bob")
    inner = await ada.make_folder("/Inner")
    await ada.upload("/Inner/a", noise(600))
    await server.cairn.services.accounts.set_quota("bob", 500)
    await ada.change(inner["file_id"], parent_id=folder["file_id"])

    refused = await ada.set_role(folder["file_id"], "bob", "owner")

    assert (refused.status, refused.code) == (507, "quota_exceeded")
    await server.cairn.services.accounts.set_quota("bob", 600)
    assert (await ada.set_role(folder["file_id"], "bob", "owner")).status == 200
    assert (await ada.used(), await bob.used()) == (0, 600)


async def test_who_joins_while_something_is_carried_out_has_to_send_its_bytes(
    ada: Member, bob: Member, cyd: Member
) -> None:
    folder, chunk = await ada.shared("/Plans", "bob"), noise(1000)
    inner = await ada.make_folder("/Plans/Inner")
    await ada.upload("/Plans/Inner/a", chunk)
    await ada.change(inner["file_id"], parent_id="root")

    await ada.share(folder["file_id"], "cyd", "viewer")

    asked = await cyd.open_upload("/guess", chunk)
    assert asked["chunks"][0]["needed"]
    assert (await cyd.commit(asked["upload_id"])).status == 422
