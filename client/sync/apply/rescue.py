"""Conflict copies of what came out of an exchange and was not what was expected: a user's bytes, which stay beside."""

from dataclasses import dataclass

from client.sync.model import Path, Stat
from client.sync.names import conflict_name
from client.sync.seams.clock import Clock
from client.sync.seams.files import Fs, FsError, Traits, Trouble

STAMP = "%Y-%m-%d %H-%M-%S"
_TRIES = 100


@dataclass(frozen=True, slots=True)
class Rescued:
    """A conflict copy that was made: where, its Stat, and the entry whose content it was."""

    path: Path
    stat: Stat | None
    lid: int | None = None


@dataclass(frozen=True, slots=True)
class Rescuer:
    """Gives files back to their user, under names that nothing has."""

    fs: Fs
    traits: Traits
    clock: Clock
    device_name: str

    def rescue(
        self, source: Path, beside: Path | None, *, wanted: str | None = None, lid: int | None = None
    ) -> Rescued:
        """Move a file of `.cairn` next to the path `beside`, or into the root where that is no place for it.

        Args:
            source: where it is.
            beside: the path of the newer version; None if there is none any more.
            wanted: the name to give it if it is free, else that of a conflict copy.
            lid: to be told in the answer.

        Raises:
            FsError: it could not be moved, and is where it was.
        """
        name = "file" if beside is None else beside[-1]
        folders: list[Path] = [()] if beside is None or len(beside) == 1 else [beside[:-1], ()]
        target = self._move(source, folders, name, wanted)
        self.fs.sync_folders([target[:-1], source[:-1]])
        return Rescued(target, self.fs.look(target), lid)

    def _move(self, source: Path, folders: list[Path], name: str, wanted: str | None) -> Path:
        failure = FsError(Trouble.OTHER, source, "no name is free for a conflict copy of it")
        for folder in folders:
            try:
                return self._move_into(source, folder, name, wanted)
            except FsError as error:
                if self.fs.look(source) is None:
                    raise
                failure = error
        raise failure

    def _move_into(self, source: Path, folder: Path, name: str, wanted: str | None) -> Path:
        tried: set[str] = set()
        stamp = self.clock.local_time(STAMP)
        for _ in range(_TRIES):
            candidate = wanted or conflict_name(name, self.device_name, stamp, tried.__contains__, self.traits)
            wanted = None
            try:
                self.fs.move(source, (*folder, candidate))
            except FsError as error:
                if error.trouble is not Trouble.EXISTS:
                    raise
                tried.add(candidate)
            else:
                return (*folder, candidate)
        raise FsError(Trouble.EXISTS, (*folder, name), "no name is free for a conflict copy of it")
