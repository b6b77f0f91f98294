"""The client cuts files where the golden file says, which also holds the server and the browser."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from client.chunker import Cut, cut_file, cut_for
from tests.contract.chunk_sources import make

GOLDEN = json.loads((Path(__file__).parent / "golden" / "chunker.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_cuts_are_those_of_the_golden_file(case: dict[str, Any], tmp_path: Path) -> None:
    data = make(case["source"], case["size"], case["seed"])
    path = tmp_path / "file"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)

    chunks = list(cut_file(descriptor, len(data), Cut(case["smallest"], case["average"], case["largest"])))

    os.close(descriptor)
    assert [chunk.size for chunk in chunks] == case["lengths"]
    assert all(
        chunk.digest == hashlib.sha256(data[chunk.offset : chunk.offset + chunk.size]).digest() for chunk in chunks
    )


def test_the_golden_file_holds_each_way_in_which_a_file_can_be_cut_by_content() -> None:
    ways = {Cut(case["smallest"], case["average"], case["largest"]) for case in GOLDEN["cases"]}

    assert ways >= {cut_for(gib * 1024**3) for gib in (1, 100, 200)}
