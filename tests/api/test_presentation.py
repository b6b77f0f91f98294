"""How content shows itself: types, dispositions with hostile names, headers that keep scripts out (O1, O3)."""

import re
from typing import Any
from urllib.parse import unquote

import pytest

from tests.api.conftest import Running
from tests.api.people import Person
from tests.api.wire import head, talk

HOSTILE_NAMES = [
    'quote".txt', "back\\slash.txt", "semi;colon=1.txt", "per%41cent.txt", "ünïcode 😀.txt", "\u202egnp.exe",
    "a\u2028b", "'single'.txt", "<script>alert(1)<script>.html", "comma, space.txt", "trailing ", "*",
    "filename*=UTF-8''x", "~`^|{}[]",
    "\u00a0nbsp", "\ufeffbom", "e\u0301", "=?utf-8?q?x?=.txt", "a" * 255, "ü" * 127,
]  # fmt: skip
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_DISPOSITION = re.compile(
    rf'(?P<kind>{_TOKEN}); filename="(?P<plain>[\x20\x21\x23-\x5b\x5d-\x7e]*)"; '
    r"filename\*=UTF-8''(?P<exact>(?:[!#$&+.^_`|~0-9A-Za-z-]|%[0-9A-F]{2})+)"
)


async def test_hostile_names_make_well_formed_headers(server: Running, ada: Person) -> None:
    for name in HOSTILE_NAMES:
        file = await ada.upload(None, b"x", parent_id="root", name=name)

        answer = await talk(server.port, head("GET", f"/api/v1/files/{file['file_id']}/content", ada))

        headers = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        assert all(re.fullmatch(rb"[!-9;-~]+: [ -~]*", line) for line in headers), name  # ASCII, one line each
        value = next(line for line in headers if line.startswith(b"Content-Disposition: ")).decode("ascii")
        match = _DISPOSITION.fullmatch(value.partition(": ")[2])
        assert match is not None, value
        assert unquote(match["exact"], errors="strict") == file["name"]


HARMLESS = {
    "a.jpg": "image/jpeg", "a.png": "image/png", "a.gif": "image/gif", "a.webp": "image/webp", "a.avif": "image/avif",
    "a.mp3": "audio/mpeg", "a.mp4": "video/mp4", "a.webm": "video/webm", "a.txt": "text/plain",
}  # fmt: skip
HARMFUL = {
    "a.html": "text/html", "a.xhtml": "application/xhtml+xml", "a.svg": "image/svg+xml", "a.xml": "application/xml",
    "a.js": "text/javascript", "a.mjs": "application/javascript", "a.css": "text/css", "a.pdf": "application/pdf",
    "a.mml": "application/mathml+xml", "a.woff2": "font/woff2", "a.swf": "application/x-shockwave-flash",
    "a": "application/octet-stream", "a.wasm": "application/wasm", "a.ics": "text/calendar", "a.vtt": "text/vtt",
    "a.md": "text/markdown", "a.csv": "text/csv", "a.unknown": "chemical/x-pdb", "a.mht": "message/rfc822",
}  # fmt: skip
LIARS = {
    "page.html": "image/png", "page.svg": "image/jpeg", "picture.png": "text/html", "text.txt": "text/html",
    "page.htm": "text/plain", "movie.mp4": "image/svg+xml", "noending": "image/png",
}  # fmt: skip


async def shown(ada: Person, name: str, content_type: str | None, **query: str) -> dict[str, str]:
    """Upload a file under a name and type, and return the headers under which it comes, by every door alike."""
    fields: dict[str, Any] = {} if content_type is None else {"content_type": content_type}
    file = await ada.upload(f"/{name}", b"<script>alert(1)</script>", on_conflict="replace", **fields)
    by_id = await ada.call("GET", f"/api/v1/files/{file['file_id']}/content", params=query)
    if not query:
        download = await ada.get("/api/v1/download", params={"file_id": file["file_id"]})
        signed = await ada.fetch(download.json["content_url"])
        for header in ("Content-Type", "Content-Disposition", "Content-Security-Policy", "X-Content-Type-Options"):
            assert signed.headers[header] == by_id.headers[header], header
    return dict(by_id.headers)


async def test_pictures_sound_film_and_plain_text_are_shown_in_place(ada: Person) -> None:
    for name, content_type in HARMLESS.items():
        headers = await shown(ada, name, content_type)

        assert headers["Content-Disposition"].startswith("inline; "), name
        expected = "text/plain; charset=utf-8" if content_type == "text/plain" else content_type
        assert headers["Content-Type"] == expected


@pytest.mark.parametrize("files", [HARMFUL, LIARS], ids=["harmful", "liars"])
async def test_all_else_comes_as_a_download(ada: Person, files: dict[str, str]) -> None:
    for name, content_type in files.items():
        headers = await shown(ada, name, content_type)

        assert headers["Content-Disposition"].startswith("attachment; "), name
        assert headers["Content-Type"] == "application/octet-stream" or headers["Content-Type"].startswith("image/"), (
            name
        )
        assert "svg" not in headers["Content-Type"]


async def test_a_download_is_asked_for_by_a_parameter(ada: Person) -> None:
    headers = await shown(ada, "a.png", "image/png", download="1")

    assert headers["Content-Disposition"].startswith("attachment; ")


async def test_pdf_alone_comes_differently_to_a_frame_of_our_pages(ada: Person) -> None:
    framed = await shown(ada, "a.pdf", "application/pdf", frame="1")

    assert framed["Content-Type"] == "application/pdf"
    assert framed["Content-Disposition"].startswith("inline; ")
    assert framed["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'self'"
    assert framed["X-Content-Type-Options"] == "nosniff"
    for name, content_type in [*HARMFUL.items(), *LIARS.items(), ("a.html", "application/pdf"), ("b.pdf", "text/html")]:
        if name != "a.pdf":
            headers = await shown(ada, name, content_type, frame="1")
            assert headers["Content-Disposition"].startswith("attachment; "), name
            assert headers["Content-Security-Policy"].startswith("sandbox; "), name


async def test_content_is_served_in_a_sandbox(ada: Person) -> None:
    for name, content_type in (("a.png", "image/png"), ("a.html", "text/html")):
        headers = await shown(ada, name, content_type)

        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == (
            "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; frame-ancestors 'none'"
        )
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["Cache-Control"].startswith("private")


async def test_the_type_is_guessed_from_the_name_where_none_is_said(ada: Person) -> None:
    assert (await ada.upload("/a.png", b"1"))["content_type"] == "image/png"
    assert (await ada.upload("/a.nothing-known", b"1"))["content_type"] == "application/octet-stream"


async def test_content_types_that_are_none_are_refused(ada: Person) -> None:
    for content_type in (
        "",
        "image",
        "image/",
        "/png",
        "a/b/c",
        "image/png\r\nX: y",
        "text/pl ain",
        "ü/ü",
        "a/" + "b" * 300,
    ):
        reply = await ada.request("/f", content_type=content_type)
        assert (reply.status, reply.code) == (400, "invalid_request"), content_type


async def test_parameters_of_a_content_type_are_left_out(ada: Person) -> None:
    file = await ada.upload("/f", b"x", content_type="Text/Plain; Charset=UTF-16")

    assert file["content_type"] == "text/plain"
