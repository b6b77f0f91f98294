"""A server that speaks TLS with a certificate of its own CA, and people who trust that."""

import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector

from app.config import Limits, Server, Settings
from app.deadlines import Deadlines
from app.tls.own import OwnCertificate
from storage.disk import LocalDisk
from tests.accounts.api import ADMIN
from tests.api.conftest import Running, Template, copy_template, serving, template
from tests.api.people import Person

__all__ = ["template"]

NAMES = ("localhost", "nas.local", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Secured:
    """A server with TLS; `session` trusts its CA alone."""

    running: Running
    own: OwnCertificate
    context: ssl.SSLContext
    session: ClientSession
    ada: Person

    def shake_hands(self, name: str = "localhost") -> ssl.SSLSocket:
        """Connect, and check the certificate for `name`; blocks."""
        sock = socket.create_connection(("127.0.0.1", self.running.port), timeout=10)
        return self.context.wrap_socket(sock, server_hostname=name)


def strict(authority: Path) -> ssl.SSLContext:
    """Trust one CA alone, as strictly as Python 3.13 does by default."""
    context = ssl.create_default_context(cafile=str(authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.fixture
def settings() -> Settings:
    return Settings(limits=Limits(free_disk_bytes=0, free_disk_percent=0), server=Server())


@pytest.fixture
async def server(template: Template, settings: Settings, tmp_path: Path) -> AsyncIterator[Secured]:
    async with secured(copy_template(template, tmp_path / "data"), settings, template.tokens[ADMIN]) as one:
        yield one


@asynccontextmanager
async def secured(folder: Path, settings: Settings, token: str) -> AsyncIterator[Secured]:
    """Serve `folder` with TLS while entered."""
    own = OwnCertificate(folder / "tls", LocalDisk())
    if not settings.tls.certificate:
        own.init(NAMES, datetime.now(UTC))
    context = strict(Path(settings.tls.certificate or folder / "tls" / "ca.crt"))
    waits = replace(Deadlines(), handshake_s=0.5)
    async with (
        serving(folder, settings, waits) as running,
        ClientSession(
            f"https://127.0.0.1:{running.port}",
            connector=TCPConnector(ssl=context),
            auto_decompress=False,
            cookie_jar=DummyCookieJar(),
        ) as session,
    ):
        yield Secured(running, own, context, session, Person(session, token))
