"""A clock that was ahead once does not make all later versions of one moment, of which retention would keep one."""

import pytest

from app import foundation
from app.clock import now_ms
from tests.api.people import Person

YEAR_MS = 365 * 24 * 3600 * 1000


class Clock:
    """A clock that a test puts ahead and right again."""

    ahead_ms = 0

    def __call__(self) -> int:
        """Return Unix milliseconds."""
        return now_ms() + self.ahead_ms


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the server, which is made after it."""
    clock = Clock()
    monkeypatch.setattr(foundation, "now_ms", clock)
    return clock


async def test_versions_made_after_a_clock_was_put_right_have_their_own_times(clock: Clock, ada: Person) -> None:
    clock.ahead_ms = YEAR_MS
    first = await ada.upload("/f", b"1")
    clock.ahead_ms = 0
    await ada.upload(None, b"2", file_id=first["file_id"], base_version=first["version_id"])

    versions = (await ada.get(f"/api/v1/files/{first['file_id']}/versions")).json["items"]

    assert [abs(item["created_ms"] - now_ms()) < YEAR_MS // 2 for item in versions] == [True, False]
