"""Moves the chunks from files into a bucket or back while people work: begins it, keeps it going, and tells of it."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.chunk_medium import LOCAL, Sides, kind_of
from app.config import SettingsError, Storage
from app.errors import AppError, ConflictError, InvalidRequestError, NoRoomError
from app.services.room import Room
from app.services.standing import Standing
from app.services.uptime import DAY_S, HOUR_S, Uptime
from storage.base import Backend, Place
from storage.errors import StorageError
from storage.layout import relied_on
from storage.medium import Medium
from storage.moves import Held, Move, Stage
from storage.rows import PACK_SIZE
from storage.store import ChunkStore

logger = logging.getLogger(__name__)

KINDS = (LOCAL, "s3", "minio", "seaweedfs")
LOOK_EVERY_S = 5.0
RETAINED_S = HOUR_S
"""For so long at least the old store stays: a download that began before the switch may still read from it."""


@dataclass(frozen=True, slots=True)
class Side:
    """One place where chunks lie: of which kind, how many, their bytes as stored, and why it cannot be used if so."""

    kind: str
    chunks: int
    size: int
    problem: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How a move goes.

    Attributes:
        left: chunks that are still to be moved; `left_size` are their bytes.
        rate: bytes that were moved a second, lately.
        problem: why it does not go on at present; empty while it does.
        kept_s: for how many seconds of running the old store is kept on, once it is not used any more.
    """

    source: str
    target: str
    stage: str
    left: int
    left_size: int
    rate: float
    problem: str
    kept_s: int


@dataclass(frozen=True, slots=True)
class Status:
    """Where chunks lie, and what to do next.

    Attributes:
        main: where new ones are put.
        sides: what lies where; small chunks that lie in the index itself are of the kind `index`.
        damaged: chunks without sound bytes.
        move: the last one, None if there never was one.
        direct: why clients do not reach the bucket themselves, though they should; empty if they do, None if they
            are not to.
    """

    main: str
    sides: Sequence[Side]
    damaged: int
    move: Progress | None
    advice: str
    direct: str | None


class MigrationService:
    """Does the slices of a move one after the other; what else there is to do goes in between."""

    def __init__(
        self,
        store: ChunkStore,
        sides: Sides,
        settings: Storage,
        root: Path,
        room: Room,
        standing: Standing,
        uptime: Uptime,
    ) -> None:
        """Take the parts it works with; `root` is the folder of the store."""
        self._store = store
        self._mover = store.mover
        self._sides = sides
        self._settings = settings
        self._root = root
        self._room = room
        self._standing = standing
        self._uptime = uptime
        self._asked = asyncio.Event()
        self._turn = asyncio.Lock()
        self._problem = ""
        self.is_moving = False
        """Whether chunks lie on both sides, as was seen last."""

    async def run(self) -> None:
        """Move on whenever there is something to move, until cancelled."""
        while True:
            self._asked.clear()
            if await self._tend():
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._asked.wait()

    async def begin(self, kind: str) -> None:
        """Let the chunks move to a store of a kind from now on; it is durable that they do when this returns.

        Raises:
            InvalidRequestError: there is no such kind, or the settings name another one, or not all that it needs.
            ConflictError: they lie there already, move already, or other processes count on where they lie.
            NoRoomError: the disk has not enough room for them.
            StorageError: the store cannot be opened or reached, or must not be used.
        """
        async with self._turn:
            self._standing.require_writable()
            if self._mover.is_sealed:
                raise ConflictError("An encrypted store does not move yet: `cairn encrypt off` comes first.")
            target = Backend.LOCAL if kind == LOCAL else Backend.S3
            move = await self._mover.move()
            self._check(kind, target, move)
            if target is Backend.LOCAL:
                await self._check_room()
            bucket = kind if target is Backend.S3 else self._kind(Backend.S3, move)
            with relied_on(self._root, alone=True):
                if not self._mover.has(target):
                    self._mover.join(await asyncio.to_thread(self._opened, kind))
                await self._begin(target, bucket)
            logger.info("chunks move to the store %s", kind)

    async def undo(self) -> None:
        """Let the chunks go back that have moved, and with them what was put since; for as long as there is no switch.

        Raises:
            ConflictError: nothing is under way that could be taken back.
        """
        async with self._turn:
            self._standing.require_writable()
            move = await self._mover.move()
            if move is None or not move.is_both:
                raise ConflictError("No move is under way: after the switch, chunks go back by another move.")
            await self._begin(move.source, move.bucket)

    async def empty(self) -> None:
        """Let the old store be emptied now, and not when its time is over.

        Raises:
            ConflictError: there is nothing to empty, or not yet.
        """
        async with self._turn:
            self._standing.require_writable()
            move = await self._mover.move()
            if move is None or move.stage is Stage.DONE:
                raise ConflictError("There is no old store to empty.")
            if move.is_both:
                raise ConflictError("The old store holds chunks that have not moved yet.")
            left_s = RETAINED_S - (self._uptime.now_s() - move.since_s)
            if move.stage is Stage.RETAIN and left_s > 0:
                minutes = -(-left_s // 60)
                raise ConflictError(
                    f"Downloads from before the switch may still read from the old store: try again in {minutes} min."
                )
            await self._mover.empty(self._uptime.now_s())
        self._asked.set()

    async def status(self) -> Status:
        """Tell where chunks lie, how a move goes, and what to do next."""
        move, held = await self._mover.move(), await self._mover.held()
        main = self._kind(self._mover.backend, move)
        sides = [self._side(backend, held, move) for backend in Backend if self._mover.has(backend)]
        inner = [entry for entry in held if entry.place is Place.ROW]
        sides.append(Side("index", sum(entry.chunks for entry in inner), sum(entry.size for entry in inner), ""))
        progress = None if move is None else self._progress(move, held)
        damaged = sum(entry.damaged for entry in held)
        return Status(main, sides, damaged, progress, self._advice(main, move), self._store.arrivals.problem)

    async def _tend(self) -> bool:
        """Do one slice; tell whether there is more to do at once."""
        try:
            more = await self._advance()
        except (AppError, StorageError, ValueError) as error:
            if str(error) != self._problem:
                logger.warning("chunks do not move on at present: %s", error)
            self._problem = str(error)
            return False
        except Exception:
            logger.exception("a move of chunks failed")
            self._problem = "a fault, which the log tells of"
            return False
        self._problem = ""
        return more

    async def _advance(self) -> bool:
        async with self._turn:
            move = await self._mover.move()
            self.is_moving = move is not None and move.is_both
            if move is None or self._standing.is_read_only:
                return False
            if move.is_both and move.target is Backend.LOCAL:
                self._room.require()
            if move.stage is Stage.EMPTY and not self._mover.has(move.source):
                kind = self._kind(move.source, move)
                self._mover.join(await asyncio.to_thread(self._sides.open, kind, self._root, is_beside=True))
            keep_s = max(RETAINED_S, self._settings.keep_old_days * DAY_S)
            return await self._mover.advance(self._uptime.now_s(), keep_s)

    async def _begin(self, target: Backend, bucket: str) -> None:
        await self._mover.begin(target, bucket, self._uptime.now_s())
        self.is_moving = True
        self._problem = ""
        self._asked.set()

    def _check(self, kind: str, target: Backend, move: Move | None) -> None:
        configured = self._settings.backend
        if kind not in KINDS:
            raise InvalidRequestError(f"There is no store of the kind {kind}: known are {', '.join(KINDS)}.")
        if move is not None and move.is_both:
            raise ConflictError(
                "Chunks move already: wait for the end, or take it back with cairn store migrate --undo."
            )
        if target is self._mover.backend:
            already = "in files" if target is Backend.LOCAL else "in a bucket"
            raise ConflictError(f"Chunks lie {already} already; from one bucket to another leads by way of local.")
        if target is Backend.S3 and configured not in {LOCAL, kind}:
            raise InvalidRequestError(
                f'The settings say storage.backend = "{configured}": set "local" or "{kind}" first.'
            )

    async def _check_room(self) -> None:
        needed = sum(entry.size for entry in await self._mover.held())
        space = self._room.look()
        if needed > space.free - space.kept:
            raise NoRoomError(f"The chunks take {needed} bytes, and the disk has {space.free - space.kept} for them.")

    def _opened(self, kind: str) -> Medium:
        """Return a store that was opened and can be reached. Blocks."""
        try:
            medium = self._sides.open(kind, self._root, is_beside=True)
        except SettingsError as error:  # who asked is to hear of it, and not who started the server
            raise InvalidRequestError(str(error)) from error
        try:
            medium.require()
        except StorageError:
            medium.close()
            raise
        return medium

    def _kind(self, backend: Backend, move: Move | None) -> str:
        if move is None:
            return self._settings.backend
        return kind_of(self._settings, move, backend)

    def _side(self, backend: Backend, held: Sequence[Held], move: Move | None) -> Side:
        ours = [entry for entry in held if entry.place is not Place.ROW and entry.backend is backend]
        problem = self._mover.problem(backend)
        return Side(self._kind(backend, move), sum(e.chunks for e in ours), sum(e.size for e in ours), problem)

    def _progress(self, move: Move, held: Sequence[Held]) -> Progress:
        there = [e for e in held if e.place is not Place.ROW and e.backend is move.source] if move.is_both else []
        rows_size = sum(e.size for e in held if e.place is Place.ROW)
        if move.is_both and move.target is Backend.S3 and rows_size > PACK_SIZE:
            there += [e for e in held if e.place is Place.ROW]
        problem = self._problem
        if not problem and self._mover.missing:
            problem = f"the new store lacks {self._mover.missing} objects that the index names: cairn fsck names them"
        over_s = self._uptime.now_s() - move.since_s
        return Progress(
            source=self._kind(move.source, move),
            target=self._kind(move.target, move),
            stage=move.stage.name.lower(),
            left=sum(e.chunks - e.damaged for e in there),
            left_size=sum(e.size for e in there),
            rate=self._mover.rate if move.stage is Stage.COPY else 0.0,
            problem=problem,
            kept_s=max(0, self._settings.keep_old_days * DAY_S - over_s) if move.stage is Stage.RETAIN else 0,
        )

    def _advice(self, main: str, move: Move | None) -> str:
        if move is None or move.stage is Stage.DONE:
            if main != self._settings.backend:
                return f'Set storage.backend = "{main}".'
            return "Nothing is to be done."
        if move.is_both:
            return "Leave the server running; cairn store migrate --undo takes it back."
        if main != self._settings.backend:
            return (
                f'Set storage.backend = "{main}". Then look at some files, and empty the old store: cairn store empty.'
            )
        return "Look at some files, then empty the old store, or let its time pass: cairn store empty."
