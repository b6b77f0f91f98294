"""Bytes that are no UTF-8, anywhere in the head of a request, are refused or passed over: never a fault of ours."""

import json
import re
import secrets
from pathlib import Path

import pytest

from app.application import route_table
from app.config import Limits, Metrics, Settings
from tests.api.conftest import Running
from tests.api.people import Person
from tests.api.wire import head, status_of, talk

BAD = "\udcff"  # as the byte FF stands in a text
HEADERS = [
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Content-Encoding",
    "Content-Range",
    "Content-Type",
    "Cookie",
    "Expect",
    "Forwarded",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Last-Event-ID",
    "Origin",
    "Range",
    "User-Agent",
    "X-Forwarded-For",
    "X-Mtime-Ms",
    "X-Request-Id",
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a server that shows its metrics to whoever has the token."""
    (tmp_path / "token").write_text(secrets.token_urlsafe(32))
    limits = Limits(free_disk_bytes=0, free_disk_percent=0)
    return Settings(limits=limits, metrics=Metrics(token_file=str(tmp_path / "token")))


async def test_a_header_that_is_no_utf_8_is_no_fault(server: Running, ada: Person) -> None:
    answered = set[int]()
    for route in route_table():
        for name in HEADERS:
            target = re.sub(r"\{[^}]*\}", "a" * 22, route.path)
            request = head(route.method, target, None if name == "Authorization" else ada, **{name: BAD})
            answered.add(status_of(await talk(server.port, request)))

    assert max(answered) < 500


@pytest.mark.parametrize("bad", ["%FF", BAD, "%ED%B3%BF"])
async def test_a_target_that_is_no_utf_8_is_no_fault(server: Running, ada: Person, bad: str) -> None:
    for route in route_table():
        target = re.sub(r"\{[^}]*\}", f"a{bad}", route.path)
        for query in ("", f"?path={bad}", f"?cursor={bad}", f"?{bad}=1"):
            assert status_of(await talk(server.port, head(route.method, target + query, ada))) < 500, (target, query)


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "code"),
    [
        ("GET", "/metrics", {"Authorization": f"Bearer {BAD}"}, 401, "unauthenticated"),
        ("PUT", "/api/v1/files/content?path=/b", {"X-Mtime-Ms": BAD}, 400, "invalid_request"),
        ("GET", "/api/v1/events", {"Last-Event-ID": BAD}, 400, "invalid_request"),
    ],
)
async def test_where_it_counts_it_is_refused(
    server: Running, ada: Person, method: str, target: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await talk(server.port, head(method, target, None if "Authorization" in headers else ada, **headers))

    assert status_of(answer) == status
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == code
