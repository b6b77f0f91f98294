"""Lists of hundreds of thousands of chunks come one after the other, and hold nobody else up."""

import asyncio
import json

from tests.api.people import Person


async def test_long_lists_of_several_requests_are_all_answered(ada: Person) -> None:
    chunks = [{"sha256": f"{number:064x}", "size": 1024} for number in range(20_000)]  # well over 1 MiB of JSON

    async def ask(number: int) -> int:
        body = {"path": f"/{number}", "size": 1024 * len(chunks), "chunks": chunks, "bundle": True}
        return (await ada.call("POST", "/api/v1/uploadRequest", data=json.dumps(body).encode())).status

    statuses = await asyncio.gather(*(ask(number) for number in range(4)))

    assert statuses == [201, 201, 201, 201]
