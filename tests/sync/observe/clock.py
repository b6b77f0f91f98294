"""A clock that tests set, and a watch that watches nothing."""

import time

from client.sync.model import Path


class SetClock:
    """Both clocks stand still until they are moved on. They begin at the real wall time, as the disk's clock does."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.wall = time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_ms(self) -> int:
        return self.wall

    def local_time(self, format_: str) -> str:
        return time.strftime(format_, time.gmtime(self.wall / 1000))

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.now_s += seconds
        self.wall += int(seconds * 1000)


class NoWatch:
    """Remembers what it was asked to watch; `most` folders at most, and none that is `gone`."""

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.most = 1_000_000
        self.gone: set[Path] = set()

    def add(self, folder: Path) -> bool:
        if folder in self.gone:
            return False
        if folder not in self.folders:
            if len(self.folders) >= self.most:
                return False
            self.folders.append(folder)
        return True

    def forget(self, folder: Path) -> None:
        self.folders = [each for each in self.folders if each[: len(folder)] != folder]

    def close(self) -> None:
        self.folders = []
