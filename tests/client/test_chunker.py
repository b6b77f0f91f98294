"""Where files are cut."""

import hashlib
import os
import random
from pathlib import Path

import pytest
from pyfastcdc import FastCDC

from client.chunker import LARGEST_CHUNK, MOST_CHUNKS, Chunk, Cut, cut_file, cut_for
from client.errors import ClientError, FileChangedError

KIB, MIB, GIB = 1024, 1024**2, 1024**3


def content_of(size: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 -- the same bytes in each run


def cut(folder: Path, content: bytes, sizes: Cut | None = None) -> list[Chunk]:
    path = folder / "file"
    path.write_bytes(content)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return list(cut_file(descriptor, len(content), sizes))
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("size", [0, 1, 256 * KIB, 256 * KIB + 1, 5 * MIB, 16 * MIB, 16 * MIB + 1, 41 * MIB + 3])
def test_chunks_follow_each_other_and_carry_the_hash_of_their_bytes(tmp_path: Path, size: int) -> None:
    content = content_of(size)

    chunks = cut(tmp_path, content)

    assert [chunk.offset for chunk in chunks] == [sum(c.size for c in chunks[:i]) for i in range(len(chunks))]
    assert sum(chunk.size for chunk in chunks) == size
    for chunk in chunks:
        piece = content[chunk.offset : chunk.offset + chunk.size]
        assert chunk.digest == hashlib.sha256(piece).digest()


def test_cuts_do_not_depend_on_the_window_through_which_the_file_is_read(tmp_path: Path) -> None:
    content = content_of(60 * MIB)
    whole = FastCDC(MIB, min_size=256 * KIB, max_size=4 * MIB, normalized_chunking=1, seed=0)

    chunks = cut(tmp_path, content)

    assert [chunk.size for chunk in chunks] == [piece.length for piece in whole.cut_buf(content)]


@pytest.mark.parametrize("size", [1, 100 * KIB, 256 * KIB])
def test_a_small_file_is_one_chunk(tmp_path: Path, size: int) -> None:
    assert [chunk.size for chunk in cut(tmp_path, content_of(size))] == [size]


def test_an_empty_file_has_no_chunk(tmp_path: Path) -> None:
    assert cut(tmp_path, b"") == []


def test_an_insertion_changes_only_the_chunks_around_it(tmp_path: Path) -> None:
    content = content_of(32 * MIB)
    middle = 16 * MIB + 12345

    before = {chunk.digest for chunk in cut(tmp_path, content)}
    after = cut(tmp_path, content[:middle] + content_of(MIB, seed=8) + content[middle:])

    assert sum(chunk.size for chunk in after if chunk.digest not in before) < 8 * MIB


@pytest.mark.parametrize("size", [1, 64 * GIB, 64 * GIB + 1, 128 * GIB, 256 * GIB, 256 * GIB + 1, 2048 * GIB])
def test_no_file_can_have_more_chunks_than_the_contract_allows(size: int) -> None:
    sizes = cut_for(size)

    assert -(-size // sizes.smallest) <= MOST_CHUNKS
    assert sizes.largest <= LARGEST_CHUNK


def test_a_file_that_no_cut_can_hold_is_refused() -> None:
    with pytest.raises(ClientError, match="2 TiB"):
        cut_for(2048 * GIB + 1)


def test_the_coarsest_cut_is_at_fixed_places(tmp_path: Path) -> None:
    chunks = cut(tmp_path, content_of(20 * MIB + 5), Cut(8 * MIB, 8 * MIB, 8 * MIB))

    assert [chunk.size for chunk in chunks] == [8 * MIB, 8 * MIB, 4 * MIB + 5]


@pytest.mark.parametrize("told", [9 * MIB, 11 * MIB])
def test_a_file_of_another_size_than_told_is_noticed(tmp_path: Path, told: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(content_of(10 * MIB))
    descriptor = os.open(path, os.O_RDONLY)

    with pytest.raises(FileChangedError):
        list(cut_file(descriptor, told))

    os.close(descriptor)
