"""The server cuts streams where the golden file says, which also holds the client and the browser."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from storage.chunker import AVERAGE_CHUNK, LARGEST_CUT, SMALLEST_CHUNK, StreamChunker
from tests.contract.chunk_sources import make

GOLDEN = json.loads((Path(__file__).parent / "golden" / "chunker.json").read_text(encoding="utf-8"))
OF_THE_SERVER = (SMALLEST_CHUNK, AVERAGE_CHUNK, LARGEST_CUT)
CASES = [c for c in GOLDEN["cases"] if (c["smallest"], c["average"], c["largest"]) == OF_THE_SERVER]
PIECE_SIZES = [65_536, 1_000_003, 64 * 1024 * 1024]


@cache
def source(kind: str, size: int, seed: int) -> bytes:
    return make(kind, size, seed)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_source_is_made_as_described(case: dict[str, Any]) -> None:
    data = source(case["source"], case["size"], case["seed"])

    assert hashlib.sha256(data).hexdigest() == case["sha256"]


@pytest.mark.parametrize("piece_size", PIECE_SIZES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_cuts_are_those_of_the_golden_file_whatever_the_pieces(case: dict[str, Any], piece_size: int) -> None:
    data = source(case["source"], case["size"], case["seed"])
    chunker = StreamChunker()

    chunks = [chunk for at in range(0, len(data), piece_size) for chunk in chunker.feed(data[at : at + piece_size])]
    chunks += chunker.finish()

    assert [len(chunk) for chunk in chunks] == case["lengths"]
    assert b"".join(chunks) == data


def test_the_golden_file_holds_cases_for_the_server() -> None:
    assert len(CASES) >= 8


def test_memory_stays_bounded_while_a_stream_is_cut() -> None:
    chunker = StreamChunker()
    given = taken = 0

    for _ in range(200):
        taken += sum(map(len, chunker.feed(bytes(500_000))))
        given += 500_000
        assert given - taken <= 2 * LARGEST_CUT + 500_000
