"""Stories of what is deleted here, and brought back at the server before this device has heard of its own delete."""

import pytest

from tests.sim.net import Sent
from tests.sim.play import play_of
from tests.sim.weather import Weather


@pytest.mark.parametrize("path", [("f",), ("g", "f")])
def test_what_is_brought_back_right_after_its_delete_is_not_deleted_again(path: tuple[str, ...]) -> None:
    """The device knew that its delete had come to pass, and took what it saw then for what it had not deleted yet."""
    with play_of(Weather()) as play:
        stage = play.stage
        if len(path) > 1:
            play.disks[0].user_make_folder(path[:1])
        play.one.put(path, b"<1>")
        play.settle()
        hear = stage.network.after

        def restore_at_once(sent: Sent) -> None:
            hear(sent)
            if sent.method == "DELETE" and sent.status < 300:
                stage.network.after = hear
                file_id = sent.target.split("/")[-1].partition("?")[0]
                server = stage.server
                server.call(server.cairn.services.trash.restore(stage.devices[0].machine.actor, file_id))

        stage.network.after = restore_at_once
        play.one.remove(path)
        if len(path) > 1:
            play.disks[0].user_remove(path[:1])
        play.wait(60)
        play.settle()

        assert play.contents(*path) == {b"<1>"}
