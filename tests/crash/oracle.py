"""What a client knows by the answers it got: the only measure of what a server that died must still have."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from tests.crash.content import Content
from tests.crash.doors import Door, Seen

READERS = 8


@dataclass(frozen=True, slots=True)
class Known:
    """A node as it was last acknowledged; `content` is None for a folder."""

    seen: Seen
    content: Content | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A change that was asked for and, until `acknowledge` or `refused`, not answered.

    Attributes:
        path: where it makes a node; None for a change of `file_id`.
        content: that the node gets; None for a folder or where it keeps its own.
        place: parent's id and name that the node gets; None where it stays.
    """

    path: str | None = None
    file_id: str | None = None
    content: Content | None = None
    place: tuple[str, str] | None = None


@dataclass(slots=True)
class Oracle:
    """One client's knowledge of one folder, in which nobody else changes anything."""

    root: Seen
    root_path: str
    known: dict[str, Known] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    acknowledged: list[tuple[int, str]] = field(default_factory=list)
    """seq and node of every answered change, in order."""
    _fresh: set[str] = field(default_factory=set)

    def ask(self, *doubts: Doubt) -> None:
        """Note what is about to be asked for."""
        self.doubts.extend(doubts)

    def answered(self) -> None:
        """What was asked for is settled, whether granted or refused."""
        self.doubts.clear()

    def acknowledge(self, seen: Seen, content: Content | None) -> None:
        """Note a change that the server promised to keep."""
        self.known[seen.file_id] = Known(_without_sums(seen), content)
        self._fresh.add(seen.file_id)
        self.acknowledged.append((seen.seq, seen.file_id))

    def files(self) -> list[Known]:
        """Return all files that are known."""
        return [known for known in self.known.values() if known.content is not None]

    def folders(self) -> list[Seen]:
        """Return all folders that are known, the root first."""
        return [self.root, *(known.seen for known in self.known.values() if known.content is None)]

    def path_of(self, folder: Seen) -> str:
        """Return the path of a folder."""
        if folder.file_id == self.root.file_id:
            return self.root_path
        parent = self.known.get(folder.parent_id or "")
        return f"{self.root_path if parent is None else self.path_of(parent.seen)}/{folder.name}"

    async def check(self, door: Door, *, also: set[str] = frozenset()) -> None:  # type: ignore[assignment] # read only
        """Assert that the server has all that was acknowledged and nothing that was not asked for.

        Contents are read of what changed since the last check, of what was in doubt, and of the files in `also`.
        What turns out to have come to pass is known from then on.
        """
        found = {seen.file_id: (path, seen) async for path, seen in self._walk(door)}
        lost = [known.seen for file_id, known in self.known.items() if file_id not in found]
        assert not lost, f"acknowledged and lost: {lost}"
        settled = {file_id: self._settle(path, seen) for file_id, (path, seen) in found.items()}
        unread = {id_ for id_, known in settled.items() if id_ in self._fresh | also or known != self.known.get(id_)}
        gate = asyncio.Semaphore(READERS)

        async def compare(known: Known) -> None:
            async with gate:
                data = await door.read(known.seen.file_id)
            assert known.content is not None
            assert data == known.content.data(), f"wrong bytes in {known}"

        async with asyncio.TaskGroup() as group:
            for file_id in sorted(unread):
                if settled[file_id].content is not None:
                    group.create_task(compare(settled[file_id]))
        self.known = settled
        self.doubts.clear()
        self._fresh.clear()

    def _settle(self, path: str, seen: Seen) -> Known:
        """Return what is now known of a node, which must be as acknowledged or as asked for."""
        known = self.known.get(seen.file_id)
        if known is None:
            return self._settle_new(path, seen)
        doubts = [doubt for doubt in self.doubts if doubt.file_id == seen.file_id]
        assert doubts or seen == known.seen, f"{known} is now {seen}"
        places = [(known.seen.parent_id, known.seen.name), *(doubt.place for doubt in doubts if doubt.place)]
        assert (seen.parent_id, seen.name) in places, f"{known} is at {seen}"
        contents = [doubt.content for doubt in doubts if doubt.content is not None]
        if seen.version_id == known.seen.version_id:
            return Known(seen, known.content)
        assert contents, f"{known} has another version: {seen}"
        return _whole(seen, contents[0])

    def _settle_new(self, path: str, seen: Seen) -> Known:
        doubts = [doubt for doubt in self.doubts if doubt.path == path]
        assert doubts, f"nobody asked for {path}: {seen}"
        if doubts[0].content is None:
            assert seen.is_folder, seen
            return Known(seen, None)
        return _whole(seen, doubts[0].content)

    async def _walk(self, door: Door) -> AsyncIterator[tuple[str, Seen]]:
        """Yield all that is below the root, with its path."""
        waiting = [(self.root_path, self.root.file_id)]
        while waiting:
            path, folder_id = waiting.pop()
            for seen in await door.children(folder_id):
                child_path = f"{path}/{seen.name}"
                yield child_path, _without_sums(seen)
                if seen.is_folder:
                    waiting.append((child_path, seen.file_id))


def _without_sums(seen: Seen) -> Seen:
    """Return a node without what a folder says of those below it."""
    return replace(seen, size=0) if seen.is_folder else seen


def _whole(seen: Seen, content: Content) -> Known:
    assert not seen.is_folder, seen
    assert seen.size == content.size, f"{seen} is not whole: it has {content.size} bytes"
    return Known(seen, content)
