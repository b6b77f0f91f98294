"""A device that does as it is told and knows, by the answers alone, what it may count on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.crash.content import Content
from tests.crash.doors import Door, Opened, OpenedUpload, Seen, Wish
from tests.crash.oracle import Doubt, Known, Oracle


@dataclass(slots=True)
class Client:
    """One device at work in one folder.

    Attributes:
        opened: uploads that the server has told of, until their commit or end is asked for.
    """

    door: Door
    oracle: Oracle
    opened: dict[str, Wish] = field(default_factory=dict)

    async def upload(self, *wishes: Wish, bundle: bool = False) -> None:
        """Request, send and commit."""
        opened = await self.request(*wishes, bundle=bundle)
        await self.send(opened, wishes)
        await self.commit([upload.upload_id for upload in opened.uploads])

    async def request(self, *wishes: Wish, bundle: bool = False) -> Opened:
        """Open uploads."""
        opened = await self.door.request(wishes, bundle=bundle)
        self.opened.update((upload.upload_id, wish) for upload, wish in zip(opened.uploads, wishes, strict=True))
        return opened

    async def send(self, opened: Opened, wishes: Sequence[Wish]) -> None:
        """Send the chunks that are missing."""
        bundled: list[bytes] = []
        for upload, wish in zip(opened.uploads, wishes, strict=True):
            chunks = wish.content.chunks()
            for index, url in upload.missing.items():
                if url is None:
                    bundled.append(chunks[index])
                else:
                    await self.door.put_chunk(url, chunks[index])
        if bundled and opened.bundle_url is not None:
            await self.door.put_bundle(opened.bundle_url, bundled)

    async def commit(self, upload_ids: Sequence[str]) -> None:
        """Commit uploads, with the folders that they make."""
        wishes = [self.opened[upload_id] for upload_id in upload_ids]
        for wish in wishes:
            self.oracle.ask(Doubt(path=wish.path, file_id=wish.file_id, content=wish.content))
            if wish.parents and wish.path is not None:
                self.oracle.ask(Doubt(path=wish.path.rpartition("/")[0]))
        for upload_id, seen in zip(upload_ids, await self.door.commit(upload_ids), strict=True):
            wish = self.opened.pop(upload_id)
            self.oracle.acknowledge(seen, wish.content)
            if wish.parents and wish.path is not None:
                self.oracle.acknowledge(await self.door.find(wish.path.rpartition("/")[0]), None)
        self.oracle.answered()

    async def give_up(self, upload_id: str) -> None:
        """End an upload."""
        del self.opened[upload_id]
        await self.door.give_up(upload_id)

    async def put_whole(self, path: str, content: Content) -> None:
        """Upload in one call."""
        self.oracle.ask(Doubt(path=path, content=content))
        self.oracle.acknowledge(await self.door.put_whole(path, content.data()), content)
        self.oracle.answered()

    async def make_folder(self, path: str) -> None:
        """Make a folder."""
        self.oracle.ask(Doubt(path=path))
        self.oracle.acknowledge(await self.door.make_folder(path), None)
        self.oracle.answered()

    async def move(self, moved: Known, into: Seen, name: str) -> None:
        """Move a node into a folder under a name."""
        self.oracle.ask(Doubt(file_id=moved.seen.file_id, place=(into.file_id, name)))
        seen = await self.door.move(moved.seen.file_id, parent_id=into.file_id, name=name)
        self.oracle.acknowledge(seen, moved.content)
        self.oracle.answered()

    async def resume(self) -> None:
        """Bring every upload that the server has told of to its end."""
        for upload_id, wish in list(self.opened.items()):
            progress = await self.door.progress(upload_id)
            if progress.file is None:
                missing = OpenedUpload(upload_id, progress.upload.missing)
                await self.send(Opened([missing], progress.bundle_url), (wish,))
                await self.commit([upload_id])
            else:
                again = (await self.door.commit([upload_id]))[0]
                assert again.version_id == self.oracle.known[again.file_id].seen.version_id
        self.opened.clear()
