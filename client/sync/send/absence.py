"""The last look before a delete is sent: is it still not here, and is that more than not being able to see it?"""

from client.sync.apply.checks import is_same
from client.sync.model import Kind, LocalEntry, Path
from client.sync.seams.files import Fs, Traits


class Absence:
    """Looks at places where something was. A folder that many were in is listed once."""

    def __init__(self, fs: Fs, traits: Traits) -> None:
        """Know of nothing yet."""
        self._fs = fs
        self._traits = traits
        self._names: dict[Path, frozenset[str]] = {}

    def is_sure(self, path: Path, standing: LocalEntry | None = None) -> bool:
        """Tell whether what was at a path is there no more.

        Nothing is there, by the whole listing of the deepest folder above it that is there; or a plain file is in the
        way to it; or the very entry `standing` is there, which was observed and is another. "I could not look" is not
        "it is not there": a link in place of a folder proves nothing.

        Raises:
            FsError: the disk did not let it be seen.
        """
        if not path:
            return False
        if standing is not None:
            return is_same(self._fs.look(path), standing.stat, self._traits)
        above, kind = self._deepest(path)
        if kind is Kind.FILE:
            return True
        # The folder is listed before the last look: what comes to be here in between is then seen by that.
        return kind is Kind.FOLDER and path[len(above)] not in self._listed(above) and self._fs.look(path) is None

    def _deepest(self, path: Path) -> tuple[Path, Kind]:
        """Return the deepest place above a path where anything is, and what that is."""
        for depth in range(len(path)):
            stat = self._fs.look(path[:depth]) if depth else None
            if depth and stat is None:
                return path[: depth - 1], Kind.FOLDER
            if stat is not None and stat.kind is not Kind.FOLDER:
                return path[:depth], stat.kind
        return path[:-1], Kind.FOLDER

    def _listed(self, folder: Path) -> frozenset[str]:
        if folder not in self._names:
            self._names[folder] = frozenset(listed.name for listed in self._fs.list(folder))
        return self._names[folder]
