"""A client that changes its folder at random, from a seed, and remembers every answer."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.crash.content import Content
from tests.crash.doors import Door, Opened, Seen, Wish
from tests.crash.oracle import Doubt, Known, Oracle

SMALL = 48 * 1024
BIG = 200 * 1024
DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Pending:
    """Uploads that were opened and of whose commit no answer came."""

    wishes: list[Wish]
    upload_ids: list[str]


@dataclass(slots=True)
class Writer:
    """Works in one folder, through one door."""

    name: str
    door: Door
    oracle: Oracle
    chance: random.Random
    pending: Pending | None = None
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def step(self) -> None:
        """Do one thing; raises as its door does."""
        await self.chance.choices(
            [
                self._new_file,
                self._batch,
                self._new_version,
                self._move,
                self._make_folder,
                self._put_whole,
                self._give_up,
            ],
            [4, 3, 4, 3, 2, 2, 1],
        )[0]()

    async def resume(self) -> None:
        """Bring an upload that a crash cut off to its end; one that was committed must tell the same file again."""
        if self.pending is None:
            return
        pending, self.pending = self.pending, None
        for wish, upload_id in zip(pending.wishes, pending.upload_ids, strict=True):
            progress = await self.door.progress(upload_id)
            if progress.file is not None:
                again = (await self.door.commit([upload_id]))[0]
                assert again.version_id == self.oracle.known[again.file_id].seen.version_id, again
                continue
            opened = Opened([progress.upload], progress.bundle_url)
            await self._send(opened, [wish])
            self.oracle.ask(_doubt(wish))
            self.oracle.acknowledge((await self.door.commit([upload_id]))[0], wish.content)
            self.oracle.answered()

    async def _new_file(self) -> None:
        await self._upload([self._new_wish(self._content())])

    async def _batch(self) -> None:
        folder = self.chance.choice(self.oracle.folders())
        wishes = [self._new_wish(self._content(most=SMALL // 4), folder) for _ in range(self.chance.randint(2, 20))]
        await self._upload(wishes, bundle=True)

    async def _new_version(self) -> None:
        known = self._any_file()
        if known is not None:
            seen = known.seen
            await self._upload([Wish(self._content(), file_id=seen.file_id, base_version=seen.version_id)])

    async def _move(self) -> None:
        nodes = list(self.oracle.known.values())
        if not nodes:
            return
        moved = self.chance.choice(nodes)
        into = self.oracle.root
        if moved.content is not None:
            into = self.chance.choice(self.oracle.folders())
        name = self._new_name()
        self.oracle.ask(Doubt(file_id=moved.seen.file_id, place=(into.file_id, name)))
        seen = await self.door.move(moved.seen.file_id, parent_id=into.file_id, name=name)
        self.oracle.acknowledge(seen, moved.content)
        self.oracle.answered()

    async def _make_folder(self) -> None:
        path = f"{self._path_of_any_folder()}/{self._new_name()}"
        if path.count("/") > DEEPEST:
            return
        self.oracle.ask(Doubt(path=path))
        self.oracle.acknowledge(await self.door.make_folder(path), None)
        self.oracle.answered()

    async def _put_whole(self) -> None:
        path, content = f"{self._path_of_any_folder()}/{self._new_name()}", self._content()
        self.oracle.ask(Doubt(path=path, content=content))
        self.oracle.acknowledge(await self.door.put_whole(path, content.data()), content)
        self.oracle.answered()

    async def _give_up(self) -> None:
        wish = self._new_wish(self._content())
        opened = await self.door.request([wish], bundle=False)
        await self._send(opened, [wish])
        await self.door.give_up(opened.uploads[0].upload_id)

    async def _upload(self, wishes: Sequence[Wish], *, bundle: bool = False) -> None:
        opened = await self.door.request(wishes, bundle=bundle)
        ids = [upload.upload_id for upload in opened.uploads]
        self.pending = Pending(list(wishes), ids)
        await self._send(opened, wishes)
        self.oracle.ask(*map(_doubt, wishes))
        for wish, seen in zip(wishes, await self.door.commit(ids), strict=True):
            self.oracle.acknowledge(seen, wish.content)
        self.pending = None
        self.oracle.answered()

    async def _send(self, opened: Opened, wishes: Sequence[Wish]) -> None:
        bundled: list[bytes] = []
        for upload, wish in zip(opened.uploads, wishes, strict=True):
            chunks = wish.content.chunks() if upload.missing else []
            for index, url in upload.missing.items():
                if url is None:
                    bundled.append(chunks[index])
                else:
                    await self.door.put_chunk(url, chunks[index])
        if bundled and opened.bundle_url is not None:
            await self.door.put_bundle(opened.bundle_url, bundled)

    def _new_wish(self, content: Content, folder: Seen | None = None) -> Wish:
        folder = folder or self.chance.choice(self.oracle.folders())
        return Wish(content, path=f"{self.oracle.path_of(folder)}/{self._new_name()}")

    def _new_name(self) -> str:
        return f"{self.name}-{next(self._numbers)}"

    def _path_of_any_folder(self) -> str:
        return self.oracle.path_of(self.chance.choice(self.oracle.folders()))

    def _any_file(self) -> Known | None:
        files = self.oracle.files()
        return self.chance.choice(files) if files else None

    def _content(self, most: int = BIG) -> Content:
        """Return a new content, or now and then one that others send as well."""
        if self.chance.random() < 0.2:
            number = self.chance.randrange(20)
            return Content(f"common {number}", (1_000 * (number + 1),))
        count = self.chance.choice([0, 1, 1, 1, 2, 3])
        top = self.chance.choice([most, min(most, SMALL)])
        sizes = tuple(self.chance.randint(1, top) for _ in range(count))
        return Content(f"{self.name} {next(self._numbers)}", sizes, dense=self.chance.random() < 0.7)


def _doubt(wish: Wish) -> Doubt:
    return Doubt(path=wish.path, file_id=wish.file_id, content=wish.content)
