"""Stories of writes within one step of the disk's clock."""

from client.transport import Request
from tests.sim.fs import SimMode
from tests.sim.play import play_of
from tests.sim.weather import Weather


def test_a_write_while_the_first_content_is_sent_is_seen_though_size_and_times_stay() -> None:
    """Its event came while the file had no hash yet, and was passed over; the next scan was an hour away."""
    with play_of(Weather(mode=SimMode(step_ns=2_000_000_000))) as play:
        network = play.stage.network
        judge = network.before

        def write_first(request: Request) -> None:
            judge(request)
            if request.url.endswith("/uploads/commit"):
                network.before = judge
                play.one.put(("f",), b"<2>")
                play.stage.scheduler.sleep(0.5)

        play.wait(4.1)
        network.before = write_first
        play.one.put(("f",), b"<1>")
        play.wait(60)

        assert play.contents("f") == {b"<2>"}
        play.settle()


def test_a_file_that_takes_the_place_of_another_is_seen_though_size_and_times_are_the_same() -> None:
    """The engine had seen the place empty for a moment, and took what stood there then for what it knew."""
    with play_of(Weather(mode=SimMode(step_ns=2_000_000_000, stable_inodes=False))) as play:
        play.wait(4.1)
        play.two.put(("f",), b"<1>")
        play.wait(0.5)
        play.one.move(("f",), ("f~",))
        play.wait(0.3)
        play.one.put(("f",), b"<2>")
        play.wait(60)

        assert play.contents("f") == {b"<2>"}
        play.settle()
