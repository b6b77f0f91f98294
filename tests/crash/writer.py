"""A client that changes its folder at random, from a seed."""

import itertools
import random
from dataclasses import dataclass, field

from tests.crash.client import Client
from tests.crash.content import Content
from tests.crash.doors import Seen, Wish

SMALL = 48 * 1024
BIG = 200 * 1024
DEEPEST = 3


@dataclass(slots=True)
class Writer:
    """Does one thing after the other.

    Attributes:
        biggest: of a chunk, in bytes.
    """

    name: str
    client: Client
    chance: random.Random
    biggest: int = BIG
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def step(self) -> None:
        """Do one thing; raises as the client's door does."""
        things = {
            self._new_file: 4,
            self._new_version: 4,
            self._batch: 3,
            self._move: 3,
            self._make_folder: 2,
            self._put_whole: 2,
            self._give_up: 1,
        }
        await self.chance.choices(list(things), list(things.values()))[0]()

    async def _new_file(self) -> None:
        await self.client.upload(self._new_wish(self._any_folder(), self._content(self.biggest)))

    async def _batch(self) -> None:
        folder, count = self._any_folder(), self.chance.randint(2, 20)
        wishes = [self._new_wish(folder, self._content(SMALL // 4)) for _ in range(count)]
        await self.client.upload(*wishes, bundle=True)

    async def _new_version(self) -> None:
        files = self.client.oracle.files()
        if files:
            seen = self.chance.choice(files).seen
            content = self._content(self.biggest)
            await self.client.upload(Wish(content, file_id=seen.file_id, base_version=seen.version_id))

    async def _move(self) -> None:
        nodes = list(self.client.oracle.known.values())
        if nodes:
            moved = self.chance.choice(nodes)
            into = self.client.oracle.root if moved.content is None else self._any_folder()
            await self.client.move(moved, into, self._new_name())

    async def _make_folder(self) -> None:
        path = self._new_path(self._any_folder())
        if path.count("/") <= DEEPEST:
            await self.client.make_folder(path)

    async def _put_whole(self) -> None:
        await self.client.put_whole(self._new_path(self._any_folder()), self._content(self.biggest))

    async def _give_up(self) -> None:
        wish = self._new_wish(self._any_folder(), self._content(self.biggest))
        opened = await self.client.request(wish)
        await self.client.send(opened, [wish])
        await self.client.give_up(opened.uploads[0].upload_id)

    def _new_wish(self, folder: Seen, content: Content) -> Wish:
        return Wish(content, path=self._new_path(folder))

    def _new_path(self, folder: Seen) -> str:
        return f"{self.client.oracle.path_of(folder)}/{self._new_name()}"

    def _new_name(self) -> str:
        return f"{self.name}-{next(self._numbers)}"

    def _any_folder(self) -> Seen:
        return self.chance.choice(self.client.oracle.folders())

    def _content(self, most: int) -> Content:
        """Return a new content, or now and then one that others send as well."""
        if self.chance.random() < 0.2:
            number = self.chance.randrange(20)
            return Content(f"common {number}", (1_000 * (number + 1),))
        count = self.chance.choice([0, 1, 1, 1, 2, 3])
        top = self.chance.choice([most, min(most, SMALL)])
        sizes = tuple(self.chance.randint(1, top) for _ in range(count))
        return Content(f"{self.name} {next(self._numbers)}", sizes, dense=self.chance.random() < 0.7)
