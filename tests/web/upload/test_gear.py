"""The committed machine code and table of the browser's chunker are what their source makes."""

from pathlib import Path

import pytest
from pyfastcdc import FastCDC

from tests.contract.chunk_sources import make
from web import gear

FOLDER = Path(__file__).parents[3] / "web" / "static" / "js" / "upload"


def test_the_committed_module_is_what_its_source_makes() -> None:
    assert (FOLDER / "gear.wasm").read_bytes() == gear.wasm()


def test_the_committed_table_is_what_its_source_makes() -> None:
    assert (FOLDER / "gear_table.js").read_text("utf-8") == gear.table()


@pytest.mark.parametrize("bits", sorted(gear.MASKS))
def test_a_mask_has_as_many_bits_as_it_says_and_none_where_no_browser_looks(bits: int) -> None:
    assert gear.MASKS[bits].bit_count() == bits
    assert gear.MASKS[bits] < 2**48


def test_the_table_cuts_where_the_server_cuts() -> None:
    data = make("xorshift32", 3_000_000, 1)

    expected = next(FastCDC(2**20, min_size=2**18, max_size=2**22, normalized_chunking=1, seed=0).cut_buf(data)).length
    hashed, found = 0, 0
    for place in range(2**18, len(data)):
        hashed = (2 * hashed + gear.GEAR[data[place]]) % 2**64
        if not hashed & gear.MASKS[21 if place < 2**20 else 19]:
            found = place
            break

    assert found == expected
