"""The SHA-256 of a whole file: known at once, or checked after the commit, or none."""

import hashlib
import logging

import pytest

from tests.api.conftest import Running
from tests.api.people import Person, noise

PARTS = [noise(70_000, 31), noise(500, 32)]
WHOLE = hashlib.sha256(b"".join(PARTS)).hexdigest()


async def test_the_hash_of_one_chunk_is_the_files(ada: Person) -> None:
    file = await ada.upload("/f", PARTS[0], sha256="0" * 64)

    assert file["sha256"] == hashlib.sha256(PARTS[0]).hexdigest()


async def test_the_hash_of_many_chunks_is_unknown_unless_somebody_says_it(server: Running, ada: Person) -> None:
    file = await ada.upload("/f", *PARTS)

    await server.cairn.hashes.check_claimed()

    assert file["sha256"] is None
    assert (await ada.at("/f")).json == file


@pytest.mark.parametrize("when", ["request", "commit"])
async def test_a_hash_that_somebody_says_is_shown_once_it_was_checked(server: Running, ada: Person, when: str) -> None:
    fields = {"sha256": WHOLE} if when == "request" else {}
    answer = await ada.open_upload("/f", *PARTS, **fields)
    await ada.send_needed(answer, PARTS)
    file = (await ada.commit(answer["upload_id"], **({} if fields else {"sha256": WHOLE}))).json["file"]

    await server.cairn.hashes.check_claimed()

    assert file["sha256"] is None
    assert (await ada.at("/f")).json == {**file, "sha256": WHOLE}  # no new seq, no new etag


async def test_a_false_hash_is_dropped_and_logged(
    server: Running, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    file = await ada.upload("/f", *PARTS, sha256="0" * 64)

    await server.cairn.hashes.check_claimed()
    await server.cairn.hashes.check_claimed()

    assert (await ada.at("/f")).json == file
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert WHOLE not in caplog.text


async def test_the_hash_at_the_commit_counts_over_the_one_at_the_request(server: Running, ada: Person) -> None:
    answer = await ada.open_upload("/f", *PARTS, sha256="0" * 64)
    await ada.send_needed(answer, PARTS)
    await ada.commit(answer["upload_id"], sha256=WHOLE)

    await server.cairn.hashes.check_claimed()

    assert (await ada.at("/f")).json["sha256"] == WHOLE
