"""Everything goes over TLS that goes without; what is shown changes while the server runs; slow ones hold nobody up."""

import asyncio
import contextlib
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import encode_basic_auth
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from app.config import Settings, Tls
from app.connection import SPEAK_TLS
from app.server import ListenError
from app.tls.authority import Authority, names_in
from tests.accounts.api import ADMIN
from tests.api.conftest import Template, copy_template, serving
from tests.api.people import MIB, Person, noise
from tests.api.wire import connected, eventually, talk
from tests.dav.conftest import app_password
from tests.tls.conftest import Secured, secured


async def names_shown(server: Secured) -> list[str]:
    """Return for which names the next handshake gets a certificate."""

    def shake_hands() -> bytes:
        with server.shake_hands() as connection:
            return connection.getpeercert(binary_form=True) or b""

    return names_in(x509.load_der_x509_certificate(await asyncio.to_thread(shake_hands)))


async def missing(server: Secured) -> dict[str, str]:
    reply = await server.ada.get("/api/v1/server")
    return {notice["missing"]: notice["about"] for notice in reply.json["notices"]}


async def test_uploads_downloads_ranges_events_and_webdav_go_over_it(server: Secured) -> None:
    ada, chunks = server.ada, [noise(4 * MIB), noise(3 * MIB), b"small"]
    whole = b"".join(chunks)

    file = await ada.upload("/large.bin", *chunks)
    content = await ada.content(file["file_id"])
    part = await ada.content(file["file_id"], Range=f"bytes={4 * MIB - 5}-{4 * MIB + 4}")
    told = (await ada.get("/api/v1/download", params={"file_id": file["file_id"]})).json
    signed = [await ada.fetch(chunk["url"]) for chunk in told["chunks"]]
    async with (
        server.session.get("/api/v1/events", headers={"Authorization": f"Bearer {ada.token}"}) as events,
        asyncio.timeout(10),
    ):
        await ada.put("/new.txt", b"new")
        line = await events.content.readline()
    stranger, basic = Person(server.session), encode_basic_auth(ADMIN, await app_password(ada))
    dav = await stranger.call("PROPFIND", "/dav/", headers={"Authorization": basic, "Depth": "1"})
    moved = await stranger.call(
        "MOVE",
        "/dav/new.txt",
        headers={"Authorization": basic, "Destination": f"https://127.0.0.1:{server.running.port}/dav/old.txt"},
    )

    assert content.body == whole
    assert (part.status, part.body) == (206, whole[4 * MIB - 5 : 4 * MIB + 5])
    assert b"".join(reply.body for reply in signed) == whole
    assert line
    assert (dav.status, moved.status) == (207, 201)
    assert b"/dav/large.bin" in dav.body


async def test_only_modern_versions_and_suites_are_agreed_upon(server: Secured) -> None:
    async def agrees(change: str) -> bool:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if change == "old":
            with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
            context.set_ciphers("ALL:@SECLEVEL=0")
        else:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(change)
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", server.running.port, ssl=context)
        except (OSError, ssl.SSLError):
            return False
        writer.close()
        return True

    assert [
        await agrees(change) for change in ("ECDHE+AESGCM", "ECDHE+CHACHA20", "ECDHE+AES256+SHA384:!AESGCM", "old")
    ] == [True, True, False, False]


async def test_plain_http_is_told_in_words(server: Secured) -> None:
    answer = await talk(server.running.port, b"GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert SPEAK_TLS.encode() in answer


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"])
async def test_a_handshake_that_does_not_end_is_given_up(server: Secured, said: bytes) -> None:
    connections = server.running.connections
    async with connected(server.running.port) as line:
        await line.send(said)

        async def has_a_place() -> bool:
            return len(connections) == 1

        await eventually(has_a_place)
        with contextlib.suppress(ConnectionResetError):
            assert await line.answer() == b""

    assert len(connections) == 0


async def test_those_who_only_shake_hands_make_room(template: Template, settings: Settings, tmp_path: Path) -> None:
    settings = replace(settings, limits=replace(settings.limits, connections=16))
    async with (
        secured(copy_template(template, tmp_path / "data"), settings, template.tokens[ADMIN]) as server,
        contextlib.AsyncExitStack() as crowd,
    ):
        for _ in range(16 + 32 + 4):  # loopback has 32 places of its own
            await crowd.enter_async_context(connected(server.running.port))

        assert (await server.ada.get("/api/v1/me")).status == 200


@pytest.mark.logs_errors
async def test_a_new_certificate_is_taken_up_and_a_broken_one_is_not(
    server: Secured, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = server.running.cairn.services.certificates
    kept = await server.session.get("/healthz")
    server.own.init(["localhost", "attic.local"], datetime.now(UTC))
    before_the_look = await names_shown(server)

    await certificates.look()
    after = await names_shown(server)
    server.own.server.write_bytes(server.own.server.read_bytes()[:600])
    await certificates.look()
    told, still = await missing(server), await names_shown(server)
    server.own.init(["localhost"], datetime.now(UTC))
    await certificates.look()

    assert before_the_look == ["localhost", "nas.local", "127.0.0.1"]
    assert after == still == ["localhost", "attic.local"]
    assert "cannot be used" in told["certificate_broken"]
    assert "the certificate before stays in use" in caplog.text
    assert await names_shown(server) == ["localhost"]
    assert kept.status == 200


async def test_a_certificate_that_browsers_trust_by_themselves_is_told_to_last(
    template: Template, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    authority = Authority.make("public", ["files.example.org"], now)
    pair, bundle = tmp_path / "pair.pem", tmp_path / "system.pem"
    pair.write_bytes(authority.issue(["files.example.org", "127.0.0.1"], now))
    bundle.write_bytes(authority.certificate_pem)
    folder = copy_template(template, tmp_path / "data")
    settings = replace(settings, tls=Tls(certificate=str(pair)))

    async with secured(folder, settings, template.tokens[ADMIN]) as private:
        untrusted = await private.ada.get("/api/v1/me")
        page = await Person(private.session).get("/trust")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    async with secured(folder, settings, template.tokens[ADMIN]) as public:
        trusted = await public.ada.get("/api/v1/me")

    assert "Strict-Transport-Security" not in untrusted.headers
    assert trusted.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert page.status == 404


async def test_devices_get_the_ca_with_its_fingerprint(server: Secured) -> None:
    stranger = Person(server.session)
    certificate, page = await stranger.get("/ca.crt"), await stranger.get("/trust")
    fingerprint = x509.load_pem_x509_certificate(certificate.body).fingerprint(SHA256())

    assert certificate.body == server.own.authority_pem()
    assert fingerprint.hex(":").upper().encode() in page.body
    assert "Strict-Transport-Security" not in page.headers


@pytest.mark.parametrize("broken", ["missing", "no key", "ended"])
async def test_a_server_does_not_begin_with_a_certificate_that_is_none(
    template: Template, settings: Settings, tmp_path: Path, broken: str
) -> None:
    pair = tmp_path / "pair.pem"
    settings = replace(settings, tls=Tls(certificate=str(pair)))
    issued = Authority.make("old", [], datetime(2020, 1, 1, tzinfo=UTC)).issue(
        ["127.0.0.1"], datetime(2020, 1, 1, tzinfo=UTC)
    )
    if broken != "missing":
        pair.write_bytes(issued if broken == "ended" else issued[issued.index(b"-----BEGIN CERT") :])

    with pytest.raises(ListenError, match=r"pair\.pem"):
        async with serving(copy_template(template, tmp_path / "data"), settings):
            pass
