"""A client that keeps deleting files and making others of the same few chunks, and knows what must be there."""

import random
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp

from tests.accounts.api import Reply
from tests.api.people import Person, noise
from tests.crash.doors import UnansweredError

CHUNKS = 120
PLACES = 2
TRIES = 20
Content = tuple[int, ...] | None
"""Numbers of chunks; None for no file."""


def chunk(number: int) -> bytes:
    """Return one of the chunks that all share: a small one, one that becomes a file, or one that compresses."""
    if number % 3 == 0:
        return noise(2_000 + number, number)
    return noise(70_000 + number, number) if number % 3 == 1 else noise(40_000 + number, number).hex().encode()


ALL = [chunk(number) for number in range(CHUNKS)]


class Answers(Person):
    """Speaks to a server that may die."""

    async def call(self, method: str, path: Any, **request: Any) -> Reply:
        try:
            return await super().call(method, path, **request)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise UnansweredError(repr(error)) from error

    async def send(self, url: str, data: bytes, **headers: str) -> Reply:
        return await Answers(self.client).call("PUT", url, data=data, headers=headers)


@dataclass(slots=True)
class Recycler:
    """Works in a folder of its own, so that it alone knows what must be in it.

    Attributes:
        files: what is at each path, as it was last acknowledged.
        asked: what may be at the path of a change that was not answered.
        waiting: open uploads, and what they are to become.
        told: how often what happened.
    """

    person: Answers
    folder: str
    chance: random.Random
    files: dict[str, Content] = field(default_factory=dict)
    asked: dict[str, Content] = field(default_factory=dict)
    waiting: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)

    async def step(self) -> None:
        """Do one thing."""
        path = f"{self.folder}/{self.chance.randrange(PLACES)}"
        if self.files.get(path) is None:
            things = {self._upload: 5, self._put_whole: 2, self._begin: 2, self._end: 2}
        else:
            things = {self._upload: 3, self._remove: 5, self._read: 2, self._end: 2}
        await self.chance.choices(list(things), list(things.values()))[0](path)

    async def settle(self) -> None:
        """Hold what the server has against what it answered, after it died; everything is read."""
        for path in sorted({*self.files, *self.asked}):
            found = await self.person.at(path)
            allowed = [self.files.get(path)] + ([self.asked[path]] if path in self.asked else [])
            if found.status == HTTPStatus.NOT_FOUND:
                assert None in allowed, f"{path} is lost"
                self.files[path] = None
                continue
            reply = await self.person.content(found.json["file_id"])
            assert reply.status == HTTPStatus.OK, f"{path}: {reply.body!r}"
            whole = [content for content in allowed if content is not None and data_of(content) == reply.body]
            assert whole, f"{path} has wrong bytes"
            self.files[path] = whole[0]
        self.asked.clear()

    async def clear(self) -> None:
        """Delete all for good."""
        for path in [path for path, content in self.files.items() if content is not None]:
            await self._remove(path)

    async def _upload(self, path: str) -> None:
        content = self._content()
        opened = await self._open(path, content)
        self.asked[path] = content
        await self._bring_to_end(opened["upload_id"], opened["chunks"], content)
        self.files[path] = self.asked.pop(path)

    async def _begin(self, _: str) -> None:
        path, content = f"{self.folder}/late-{self.chance.randrange(PLACES)}", self._content()
        if path in self.files or any(path == late for late, _ in self.waiting.values()):
            return
        opened = await self._open(path, content)
        self.waiting[opened["upload_id"]] = path, content
        await self.person.send_needed({"chunks": opened["chunks"][:1]}, [ALL[number] for number in content])

    async def _end(self, _: str) -> None:
        if not self.waiting:
            return
        upload_id = self.chance.choice(sorted(self.waiting))
        path, content = self.waiting[upload_id]
        progress = await self.person.get(f"/api/v1/uploads/{upload_id}")
        assert progress.status == HTTPStatus.OK, progress.body
        self.asked[path] = content
        if progress.json["state"] == "open":
            await self._bring_to_end(upload_id, _needed(progress.json["missing"]), content)
        del self.waiting[upload_id]
        self.files[path] = self.asked.pop(path)

    async def _put_whole(self, path: str) -> None:
        content = self._content()
        self.asked[path] = content
        params = {"path": path, "parents": "1"}
        reply = await self.person.call("PUT", "/api/v1/files/content", params=params, data=data_of(content))
        assert reply.status in {HTTPStatus.OK, HTTPStatus.CREATED}, reply.body
        self.files[path] = self.asked.pop(path)

    async def _remove(self, path: str) -> None:
        found = await self.person.at(path)
        assert found.status == HTTPStatus.OK, f"{path}: {found.body!r}"
        self.asked[path] = None
        for kind in ("files", "trash"):
            reply = await self.person.delete(f"/api/v1/{kind}/{found.json['file_id']}")
            assert reply.status == HTTPStatus.NO_CONTENT, reply.body
        self.files[path] = self.asked.pop(path)
        self.told["removed"] += 1

    async def _read(self, path: str) -> None:
        found = await self.person.at(path)
        reply = await self.person.content(found.json["file_id"])
        content = self.files[path]
        assert content is not None
        assert (reply.status, reply.body == data_of(content)) == (HTTPStatus.OK, True), f"{path}: {reply.status}"
        self.told["read"] += 1

    async def _open(self, path: str, content: tuple[int, ...]) -> Any:
        chunks = [ALL[number] for number in content]
        reply = await self.person.request(path, chunks, parents=True, on_conflict="replace")
        assert reply.status == HTTPStatus.CREATED, reply.body
        self.told["chunks skipped"] += sum(not entry["needed"] for entry in reply.json["chunks"])
        return reply.json

    async def _bring_to_end(self, upload_id: str, entries: Any, content: tuple[int, ...]) -> None:
        chunks = [ALL[number] for number in content]
        for _ in range(TRIES):
            self.told["chunks sent"] += len(await self.person.send_needed({"chunks": entries}, chunks))
            reply = await self.person.commit(upload_id)
            if reply.status == HTTPStatus.CREATED:
                self.told["commits"] += 1
                return
            assert reply.code == "missing_chunks", reply.body
            self.told["chunks asked for again"] += len(reply.json["missing"])
            entries = _needed(reply.json["missing"])
        raise AssertionError(f"chunks went missing {TRIES} times")

    def _content(self) -> tuple[int, ...]:
        return tuple(self.chance.sample(range(CHUNKS), self.chance.randint(1, 2)))


def data_of(content: tuple[int, ...]) -> bytes:
    """Return the bytes of a file."""
    return b"".join(ALL[number] for number in content)


def _needed(missing: Any) -> list[Any]:
    return [{**entry, "needed": True} for entry in missing]
