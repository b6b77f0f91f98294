"""A store is encrypted, rotated and decrypted while it serves; whatever stops it, every chunk is readable."""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from storage import rows
from storage.base import INLINE_MAX, Blob, ChunkId, Encoding, Form, WireEncoding
from storage.disk import Disk, LocalDisk
from storage.errors import ChunkDamagedError, KeyFileError, StorageError, StoreUnavailableError
from storage.index import IndexStates
from storage.local import LocalMedium
from storage.medium import Medium, StagedFile
from storage.outpost import open_outpost
from storage.received import Received
from storage.s3.medium import S3Medium
from storage.store import INDEX_NAME, ChunkStore, OpenMedium
from storage.vault import VAULT_NAME, MasterKey, Vault
from storage.verify import Problem, verify_store
from tests.simdisk import Mode, SimDisk
from tests.storage.makers import id_of, noise, opened, put

MASTER = MasterKey(b"the master key of these tests..."[:32])
TEXT = noise(9, 80_000).hex().encode()
CHUNKS = [noise(1), noise(2, INLINE_MAX), noise(3, 1 << 20), noise(4, 900), TEXT, b"canary " * 40]
PACKED = [noise(1000 + n, 60_000) for n in range(150)]  # more than a pack holds
MOST_CALLS = 400


@pytest.fixture(params=["local", "local packs", "seaweedfs"])
def open_medium(request: pytest.FixtureRequest) -> OpenMedium:
    medium: OpenMedium = request.getfixturevalue("servers").medium(request.param)
    return medium


async def keep(store: ChunkStore, *chunks: bytes) -> list[ChunkId]:
    ids = [await put(store, "u", data) for data in chunks]
    await store.barrier(["u"])
    return ids


def objects_of(folder: Path, open_medium: OpenMedium, disk: Disk | None = None) -> dict[Blob, bytes]:
    with contextlib.closing(open_medium(folder, disk or LocalDisk())) as medium:
        if isinstance(medium, S3Medium):  # one listing, and not one for each folder
            names = [key.rpartition("/")[2] for key in medium._client.keys("objects/")]  # noqa: SLF001
            blobs = [Blob(bytes.fromhex(name[:64]), Form(name[64:])) for name in names]
        else:
            blobs = [file.blob for first in range(256) for file in medium.objects(first) if file.blob is not None]
        return {blob: medium.read(blob) for blob in blobs}


def keys_of(folder: Path) -> set[int | None]:
    """Return the keys under which the index names chunks, None among them for what is plain."""
    with contextlib.closing(IndexStates(folder / INDEX_NAME)) as states:
        found = states.run(lambda connection: rows.page(connection, 0, 10_000))
    return {None if row.seal is None else row.seal.key_number for row in found}


def findings(folder: Path, open_medium: OpenMedium = LocalMedium.open, master: MasterKey | None = MASTER) -> list[str]:
    found = verify_store(folder, disk=LocalDisk(), content=True, open_medium=open_medium, master=master)
    return [finding.detail for finding in found]


def assert_tells_nothing(folder: Path, objects: dict[Blob, bytes]) -> None:
    """See that neither the folder nor the bucket holds bytes or ids of chunks, but for the ids in the index."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for data in CHUNKS:
        piece = data[:64]
        for path, held in files.items():
            assert piece not in held, path
            assert id_of(data).hex() not in path.name
            assert id_of(data).hex().encode() not in held, path
            assert INDEX_NAME in path.name or held.find(id_of(data)) < 0, path
        for blob, held in objects.items():
            assert piece not in held
            assert blob.hash != id_of(data)
            assert held.find(id_of(data)) < 0


async def test_sealed_store_gives_back_what_was_put_now_and_after_a_stop(
    tmp_path: Path, open_medium: OpenMedium
) -> None:
    folder = tmp_path / "store"
    async with opened(folder, LocalDisk(), open_medium=open_medium, master=MASTER) as store:
        await store.seal_anew()
        ids = await keep(store, *CHUNKS)
        assert [await store.read(chunk_id) for chunk_id in ids] == CHUNKS
        assert await store.read_many(ids) == dict(zip(ids, CHUNKS, strict=True))
        for lying in await store.locate(ids):
            assert (lying.path, lying.data) == (None, None)
            fetched = await store.fetch(lying)
            assert fetched.data is not None
            assert (fetched.seal, fetched.stored_size) == (None, len(fetched.data))
    assert_tells_nothing(folder, objects_of(folder, open_medium))

    async with opened(folder, LocalDisk(), open_medium=open_medium, master=MASTER) as store:
        assert [await store.read(chunk_id) for chunk_id in ids] == CHUNKS
    assert findings(folder, open_medium) == []
    assert list(verify_store(folder, disk=LocalDisk(), content=False, open_medium=open_medium)) == []


async def test_sent_frame_comes_out_of_a_sealed_store_as_it_was_sent(tmp_path: Path) -> None:
    import zstandard  # noqa: PLC0415 - for this test alone

    frame = zstandard.compress(TEXT)
    async with opened(tmp_path / "store", LocalDisk(), master=MASTER) as store:
        await store.seal_anew()
        await store.put("u", id_of(TEXT), len(TEXT), [frame], WireEncoding.ZSTD)
        await store.barrier(["u"])
        (lying,) = await store.locate([id_of(TEXT)])

        fetched = await store.fetch(lying)

    assert (fetched.encoding, fetched.data, fetched.stored_size) == (Encoding.ZSTD, frame, len(frame))


async def test_store_is_encrypted_rotated_and_decrypted_while_it_serves(
    tmp_path: Path, open_medium: OpenMedium
) -> None:
    folder, chunks = tmp_path / "store", [*CHUNKS, *PACKED]
    async with opened(folder, LocalDisk(), open_medium=open_medium, master=MASTER) as store:
        ids = await keep(store, *chunks)
        if open_medium != LocalMedium.open:
            await store.packs.fill()
            assert Form.PACK in {blob.form for blob in objects_of(folder, open_medium)}
        for number in (1, 2, None):
            changing = asyncio.create_task(store.seal_anew() if number else store.unseal())
            for chunk_id, data in zip(ids, chunks, strict=True):
                assert await store.read(chunk_id) == data
            await changing
            await store.resealing.settled()

            assert store.resealing.progress.damaged == 0
            assert store.vault.numbers == ([] if number is None else [number])
            assert keys_of(folder) == {number}
            assert await store.read_many(ids) == dict(zip(ids, chunks, strict=True))
            objects = objects_of(folder, open_medium)
            assert all(
                (blob.form in (Form.SEALED, Form.PACK)) == (number is not None or blob.form is Form.PACK)
                for blob in objects
            )
            assert findings(folder, open_medium) == []
            ids += await keep(store, noise(50_000 + (number or 0)))
            chunks.append(noise(50_000 + (number or 0)))
    async with opened(folder, LocalDisk(), open_medium=open_medium) as store:
        assert await store.read_many(ids) == dict(zip(ids, chunks, strict=True))


async def test_index_holds_nothing_of_what_was_plain_after_the_next_start(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    async with opened(folder, LocalDisk(), master=MASTER) as store:
        await keep(store, *CHUNKS)
        await store.seal_anew()
        await store.resealing.settled()
        assert not store.vault.is_clean

    async with opened(folder, LocalDisk(), master=MASTER) as store:
        assert store.vault.is_clean
        assert_tells_nothing(folder, objects_of(folder, LocalMedium.open))
        assert [await store.read(id_of(data)) for data in CHUNKS] == CHUNKS


async def test_store_does_not_open_without_its_keys(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    async with opened(folder, LocalDisk(), master=MASTER) as store:
        with pytest.raises(KeyFileError):
            await ChunkStore.seal_anew(await _without_master(tmp_path / "other"))
        await store.seal_anew()
        await keep(store, *CHUNKS)

    for master, told in ((None, "no master key"), (MasterKey(b"x" * 32), "another master key")):
        with pytest.raises(KeyFileError, match=told):
            await _open(folder, master)
    (folder / VAULT_NAME).rename(tmp_path / "kept")
    for master in (None, MASTER):
        with pytest.raises(KeyFileError, match="put it back"):
            await _open(folder, master)
    (tmp_path / "kept").rename(folder / VAULT_NAME)
    async with opened(folder, LocalDisk(), master=MASTER) as store:
        assert [await store.read(id_of(data)) for data in CHUNKS] == CHUNKS


async def test_store_does_not_open_with_an_older_copy_of_its_keys(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    async with opened(folder, LocalDisk(), master=MASTER) as store:
        await store.seal_anew()
        await keep(store, *CHUNKS)
        older = (folder / VAULT_NAME).read_bytes()
        await store.seal_anew()
        await store.resealing.settled()
    newest = (folder / VAULT_NAME).read_bytes()

    (folder / VAULT_NAME).write_bytes(older)
    with pytest.raises(KeyFileError, match="older than the store"):
        await _open(folder, MASTER)

    (folder / VAULT_NAME).write_bytes(newest)
    async with opened(folder, LocalDisk(), master=MASTER, clean=False) as store:
        assert [await store.read(id_of(data)) for data in CHUNKS] == CHUNKS


async def _open(folder: Path, master: MasterKey | None) -> None:
    async with opened(folder, LocalDisk(), master=master):
        pass


async def _without_master(folder: Path) -> ChunkStore:
    store = await ChunkStore.open(folder, disk=LocalDisk(), open_claims=(), clean=True)
    await store.close()
    return store


def flip(medium: Medium, blob: Blob, _: bytes) -> None:
    content = medium.read(blob)
    medium.put(blob, content[:-1] + bytes([content[-1] ^ 1]))


def cut(medium: Medium, blob: Blob, _: bytes) -> None:
    medium.put(blob, medium.read(blob)[:-1])


def swap(medium: Medium, blob: Blob, other: bytes) -> None:
    medium.put(blob, other)


@pytest.mark.parametrize("harm", [flip, cut, swap], ids=lambda harm: harm.__name__)
@pytest.mark.parametrize("kind", ["local", "seaweedfs"])
async def test_object_that_was_changed_gives_an_error_and_never_data(
    tmp_path: Path, request: pytest.FixtureRequest, kind: str, harm: object
) -> None:
    open_medium: OpenMedium = request.getfixturevalue("servers").medium(kind)
    folder, pair = tmp_path / "store", (noise(1, 100_000), noise(2, 100_000))
    async with opened(folder, LocalDisk(), open_medium=open_medium, master=MASTER) as store:
        await store.seal_anew()
        ids = await keep(store, *pair)
        lying = await store.locate(ids)
        assert lying[0].blob is not None
        assert lying[1].blob is not None
        with contextlib.closing(open_medium(folder, LocalDisk())) as medium:
            harm(medium, lying[0].blob, medium.read(lying[1].blob))  # type: ignore[operator]

        with pytest.raises(ChunkDamagedError):
            await store.load(lying[0])
        with pytest.raises(ChunkDamagedError):
            await store.fetch(lying[0])
        assert await store.read_many(ids) == {ids[1]: pair[1]}
        assert await store.read(ids[1]) == pair[1]


async def test_damaged_chunk_stays_as_it_is_and_holds_up_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    async with opened(folder, LocalDisk(), master=MASTER) as store:
        ids = await keep(store, *CHUNKS)
        path = LocalMedium(folder, LocalDisk()).path_of(Blob.of(ids[0], Encoding.RAW))
        os.truncate(path, 10)

        await store.seal_anew()
        await store.resealing.settled()

        assert store.resealing.progress.damaged == 1
        assert path.exists()
        assert keys_of(folder) == {None, 1}
        await put(store, "u", CHUNKS[0])
        await store.barrier(["u"])
        assert await store.read(ids[0]) == CHUNKS[0]
        path = LocalMedium(folder, LocalDisk()).path_of((await store.locate([ids[0]]))[0].blob or Blob(b"", Form.RAW))
        os.truncate(path, 10)
        await store.seal_anew()
        await store.resealing.settled()
        assert store.vault.numbers == [1, 2]


async def test_what_waits_for_its_barrier_when_encryption_is_turned_on_is_encrypted_too(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    async with opened(folder, LocalDisk(), master=MASTER) as store:
        for data in CHUNKS:
            await put(store, "u", data)

        await store.seal_anew()
        await store.resealing.settled()

        assert await store.present([id_of(data) for data in CHUNKS]) == {id_of(data) for data in CHUNKS}
    assert keys_of(folder) == {1}


class _AwayMedium(LocalMedium):
    """Takes nothing for as long as it is away, as a bucket."""

    is_away = False

    def place(self, files: Sequence[StagedFile]) -> None:
        if self.is_away:
            raise StoreUnavailableError("away")
        super().place(files)


async def test_key_of_what_a_medium_could_not_take_for_a_while_is_not_forgotten(tmp_path: Path) -> None:
    media: list[_AwayMedium] = []

    def open_medium(root: Path, disk: Disk) -> Medium:
        media.append(_AwayMedium.open(root, disk))
        return media[-1]

    async with opened(tmp_path / "store", LocalDisk(), open_medium=open_medium, master=MASTER) as store:
        await store.seal_anew()
        await store.resealing.settled()
        await put(store, "u", CHUNKS[0])
        media[0].is_away = True
        await asyncio.to_thread(store.vault.turn_on)
        with pytest.raises(StoreUnavailableError):
            await store.resealing.run()
        media[0].is_away = False
        await store.barrier(["u"])
        await store.resealing.run()

        assert await store.read(id_of(CHUNKS[0])) == CHUNKS[0]
        assert store.vault.numbers == [2]


@pytest.mark.parametrize("change", ["on", "rotate", "off"])
async def test_power_cut_at_every_call_of_the_job_leaves_every_chunk_readable(tmp_path: Path, change: str) -> None:
    chunks = [noise(1), noise(2), noise(3, 900), TEXT]
    (tmp_path / "template" / "store").mkdir(parents=True)
    template = SimDisk(tmp_path / "template", Mode.STRICT)
    async with opened(tmp_path / "template" / "store", template, master=MASTER) as store:
        if change != "on":
            await store.seal_anew()
        await keep(store, *chunks)
        await store.resealing.settled()

    for call in range(MOST_CALLS):
        disk, folder = template.copy(tmp_path / str(call)), tmp_path / str(call) / "store"
        async with opened(folder, disk, master=MASTER) as store:
            disk.cut_power_at(call)
            with contextlib.suppress(StorageError, OSError):
                (store.vault.turn_off if change == "off" else store.vault.turn_on)()
                await store.resealing.run()
            is_cut_off = len(disk.trace) >= call
        disk = disk.crash(seed=call)

        problems = {found.problem for found in verify_store(folder, disk=disk, content=True, master=MASTER)}
        assert problems <= {Problem.STRAY}
        async with opened(folder, disk, master=MASTER, clean=False) as store:
            assert await store.read_many([id_of(data) for data in chunks]) == {id_of(data): data for data in chunks}
            await store.resealing.settled()
            current = store.vault.current
            assert store.vault.numbers == ([] if current is None else [current])
            assert await store.read_many([id_of(data) for data in chunks]) == {id_of(data): data for data in chunks}
        assert keys_of(folder) == {current}
        forms = {blob.form for blob in objects_of(folder, LocalMedium.open, disk)}
        assert forms == ({Form.RAW, Form.ZSTD} if current is None else {Form.SEALED})
        if not is_cut_off:
            assert current == {"on": 1, "rotate": 2, "off": None}[change]
            return
    pytest.fail("the job makes more calls than were tried")


async def test_power_cut_at_every_call_loses_nothing_that_a_sealed_store_acknowledged(tmp_path: Path) -> None:
    (tmp_path / "template" / "store").mkdir(parents=True)
    template = SimDisk(tmp_path / "template", Mode.STRICT)
    async with opened(tmp_path / "template" / "store", template, master=MASTER) as store:
        await store.seal_anew()
        await store.resealing.settled()
    chunks = [noise(1), noise(2, 900), noise(3)]

    for call in range(MOST_CALLS):
        disk, folder = template.copy(tmp_path / str(call)), tmp_path / str(call) / "store"
        durable: list[bytes] = []
        async with opened(folder, disk, master=MASTER) as store:
            disk.cut_power_at(call)
            with contextlib.suppress(StorageError, OSError):
                for data in chunks:
                    await keep(store, data)
                    durable.append(data)
            is_cut_off = len(disk.trace) >= call
        disk = disk.crash(seed=call)
        async with opened(folder, disk, master=MASTER, clean=False, open_claims=("u",)) as store:
            assert [await store.read(id_of(data)) for data in durable] == durable
            await keep(store, *chunks)
            assert [await store.read(id_of(data)) for data in chunks] == chunks
        assert disk.list_(folder / "staging") == []
        if not is_cut_off:
            return
    pytest.fail("the script makes more calls than were tried")


async def test_file_of_a_chunk_that_no_row_names_is_known_for_what_it_holds(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    async with opened(folder, LocalDisk(), master=MASTER) as store:
        await store.seal_anew()
        sealing = store.vault.seal(id_of(noise(7)), len(noise(7)), Encoding.RAW, [noise(7)], alone=True)
        assert sealing is not None
        blob = Blob.of(id_of(noise(7)), Encoding.RAW, sealing[0])
        with contextlib.closing(LocalMedium(folder, LocalDisk())) as medium:
            medium.put(blob, sealing[1])

        (stray,) = await store.disposal.strays(blob.hash[0])

        assert stray.chunk_id == id_of(noise(7))
        assert (await store.disposal.remove_strays([stray])).chunks == 1
        assert await store.disposal.strays(blob.hash[0]) == []


def test_vault_that_is_followed_sees_a_key_that_another_process_made(tmp_path: Path) -> None:
    main, beside = (Vault(tmp_path, LocalDisk(), MASTER, is_followed=followed) for followed in (False, True))
    assert beside.seal(id_of(TEXT), len(TEXT), Encoding.RAW, [TEXT], alone=True) is None

    main.turn_on()

    sealing = beside.seal(id_of(TEXT), len(TEXT), Encoding.RAW, [TEXT], alone=True)
    assert sealing is not None
    assert main.unsealed(sealing[0], sealing[1], alone=True).stored == TEXT


async def test_process_beside_seals_as_the_main_one_does_and_is_refused_what_is_plain(tmp_path: Path) -> None:
    folder, told = tmp_path / "store", list[Received]()
    async with opened(folder, LocalDisk(), master=MASTER, open_claims=("u",)) as store:
        beside = await open_outpost(
            folder,
            LocalDisk(),
            LocalMedium(folder, LocalDisk()),
            lambda chunk, _: told.append(chunk),
            lambda: 0,
            level=1,
            master=MASTER,
        )
        try:
            await put(beside, "u", CHUNKS[0])
            await store.seal_anew()
            for data in CHUNKS[1:]:
                await put(beside, "u", data)
            with pytest.raises(StoreUnavailableError):
                await store.adopt(told[0], store.wave)
            for chunk in told[1:]:
                await store.adopt(chunk, store.wave)
            await store.barrier(["u"])

            assert await store.present([id_of(data) for data in CHUNKS]) == {id_of(data) for data in CHUNKS[1:]}
            assert [await beside.read(id_of(data)) for data in CHUNKS[1:]] == CHUNKS[1:]
        finally:
            await beside.close()
        medium = LocalMedium(folder, LocalDisk())
        with pytest.raises(KeyFileError):
            await open_outpost(folder, LocalDisk(), medium, lambda *_: None, lambda: 0, level=1)
    assert_tells_nothing(folder, objects_of(folder, LocalMedium.open))
    assert keys_of(folder) == {1}
