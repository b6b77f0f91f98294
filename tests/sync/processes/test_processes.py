"""`cairn serve` and `cairn sync` under kill -9 for some seconds: the short form of what test_soak.py does for long."""

from pathlib import Path

from tests.server import RunningServer
from tests.sync.processes.stage import Play, Stage

SHORT_S = 5.0
OFTEN_S = (0.2, 0.9)


def test_whatever_is_killed_two_devices_come_to_agree_and_no_finished_write_is_lost(
    seed: int, server: RunningServer, tmp_path: Path
) -> None:
    play = Play(seed, SHORT_S, between_kills_s=OFTEN_S, still_s=2.0, pause_s=0.06)

    Stage(tmp_path, play, server).run()


def test_whatever_is_killed_one_active_device_makes_no_conflict_copy(
    seed: int, server: RunningServer, tmp_path: Path
) -> None:
    play = Play(seed, SHORT_S, active=("a",), between_kills_s=OFTEN_S, still_s=2.0, pause_s=0.05)

    Stage(tmp_path, play, server).run()
