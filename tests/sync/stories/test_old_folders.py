"""Stories of a folder that is put back from a backup while its device is off."""

from client.transport import ConnectionLostError
from tests.sim.disks import contents, put_back, save
from tests.sim.net import Sent
from tests.sim.play import play_of
from tests.sim.weather import Weather


def test_what_was_sent_right_before_an_older_folder_is_put_back_is_not_deleted() -> None:
    """The answer to its commit was lost. It was heard after the folder was found to be another, and tied to nothing."""
    with play_of(Weather()) as play:
        play.one.put(("old",), b"<1>")
        play.settle()
        stage, device, disk = play.stage, play.second, play.disks[1]
        play.second.kill()
        play.second.start()
        play.wait(30)
        saved = save(disk)
        play.second.kill()
        play.second.start()
        hear = stage.network.after

        def be_cut_off(sent: Sent) -> None:
            hear(sent)
            if sent.device == device.name and sent.target.endswith("/commit"):
                stage.network.after = hear
                play.leave(device)
                raise ConnectionLostError("it is cut off", sent=True)

        stage.network.after = be_cut_off
        play.two.put(("new",), b"<2>")
        play.wait(30)
        device.kill()
        before = list(contents(disk))
        put_back(disk, saved)
        stage.oracle.lost(device.name, before, contents(disk))

        play.come_back(device)
        device.start()
        play.settle()

        assert play.contents("new") == {b"<2>"}
