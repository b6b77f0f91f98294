"""What this server shows of itself in a handshake, looked up anew whenever its files change.

New files are read into a context of their own first. Only one that is whole takes the place of the one before, at the
next handshake; else that goes on, and what is wrong stands in the log and on the admin's page.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from app.config import Tls
from app.tls.authority import fingerprint_of, names_in
from app.tls.own import OwnCertificate

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
ENDS_SOON_MS = 14 * 24 * 3_600_000
SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; those of 1.3 are all good, and fixed."""
_TURNS = 6
"""More than any handshake in memory takes."""


class CertificateError(Exception):
    """What this server would show of itself is not usable; the message is one sentence with what to do."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate in use.

    Attributes:
        is_public: programs on this machine trust it without being told to, so HSTS does no harm.
        authority: what devices have to be told to trust, as PEM; None where it is not ours.
    """

    context: ssl.SSLContext
    names: tuple[str, ...]
    ends_ms: int
    is_public: bool
    authority: bytes | None = None


class Certificates:
    """Gives every handshake the certificate that is right at its time."""

    def __init__(self, settings: Tls, own: OwnCertificate, *, renews: bool = True) -> None:
        """Use the files that the settings name, else what `cairn tls init` has made.

        Args:
            renews: make that anew where it grows old, as one process of a server does and no other.
        """
        self._renews = renews
        self._files = (settings.certificate, settings.key) if settings.certificate else None
        self._own = own
        self._shown: Shown | None = None
        self._seen: object = None
        self.problem = ""
        """What is wrong with the newest files, in words for an admin; empty while they are in use."""

    @property
    def is_on(self) -> bool:
        """Whether there is anything to show."""
        return self._files is not None or self._own.exists

    @property
    def shown(self) -> Shown | None:
        """What is in use; None before `open`, and where there is no TLS."""
        return self._shown

    def open(self) -> ssl.SSLContext:
        """Return what to listen with.

        Raises:
            CertificateError: the files are not there, or not usable.
        """
        self._renew()
        self._seen = self._signature()
        self._shown = self._load()
        listening = _server_context()
        listening.sni_callback = self._choose
        return listening

    async def look(self, *, anyway: bool = False) -> None:
        """Take the files up if they have changed since the last look, or `anyway`; renew ours where it grows old."""
        if self._shown is not None:
            await asyncio.to_thread(self._look, anyway=anyway)

    def _look(self, *, anyway: bool) -> None:
        self._renew()
        seen = self._signature()
        if seen == self._seen and not anyway:
            return
        self._seen = seen
        try:
            self._shown = self._load()
        except CertificateError as error:
            self.problem = str(error)
            logger.error("the certificate before stays in use: %s", error)  # noqa: TRY400 - for the operator to mend
        else:
            self.problem = ""
            logger.info("a certificate was taken up")

    def _renew(self) -> None:
        """Make our own anew if it is time; one that cannot be made is told of, for the old one is good for months."""
        if self._files is not None or not self._renews or not self._own.exists:
            return
        try:
            self._own.renew(datetime.now(UTC))
        except (ValueError, OSError) as error:
            self.problem = f"The certificate could not be renewed: {error}."
            logger.error("the certificate could not be renewed: %s", error)  # noqa: TRY400 - for the operator to mend

    def _load(self) -> Shown:
        certificate, key = self._paths()
        context = _server_context()
        try:
            context.load_cert_chain(certificate, key or None, password=_no_password)
            chain = x509.load_pem_x509_certificates(Path(certificate).read_bytes())
        except FileNotFoundError as error:
            raise CertificateError(f"There is no certificate or no key at {certificate}, {key}.") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
            raise CertificateError(f"The certificate {certificate} and its key cannot be used ({reason}).") from error
        leaf = chain[0]
        if leaf.not_valid_after_utc < datetime.now(UTC):
            raise CertificateError(f"The certificate {certificate} ended on {leaf.not_valid_after_utc:%Y-%m-%d}.")
        names, ends_ms = tuple(names_in(leaf)), int(leaf.not_valid_after_utc.timestamp() * 1000)
        if self._files is None:
            return Shown(context, names, ends_ms, is_public=False, authority=self._own.authority_pem())
        return Shown(context, names, ends_ms, is_public=any(_is_trusted(context, name) for name in names))

    def _paths(self) -> tuple[str, str]:
        return (str(self._own.server), "") if self._files is None else self._files

    def _signature(self) -> object:
        """Return what differs once a file is another one."""
        found: list[tuple[str | int, ...]] = []
        for path in filter(None, self._paths()):
            try:
                status = Path(path).stat()
            except OSError:
                found.append((path,))
            else:
                found.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
        return found

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Let a handshake go on with what is in use now; OpenSSL asks whether or not a name was told."""
        if self._shown is not None:
            connection.context = self._shown.context


def authority_fingerprint(pem: bytes) -> str:
    """Return by what people compare an authority."""
    return fingerprint_of(x509.load_pem_x509_certificate(pem))


def _server_context() -> ssl.SSLContext:
    """Return TLS 1.2 and 1.3 with forward secrecy and authenticated ciphers alone, for HTTP/1.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_ciphers(SUITES)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    """Answer OpenSSL, which would ask at the terminal for the password of a key that has one."""
    raise ValueError("the key has a password, which nobody could type at a start: take it away")


def _is_trusted(context: ssl.SSLContext, name: str) -> bool:
    """Say whether a program of this machine that knows nothing of us would trust the certificate for `name`.

    Found out as such a program does, by a handshake, in memory.
    """
    asking_context = ssl.create_default_context()
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        asking = asking_context.wrap_bio(to_client, to_server, server_hostname=name.replace("*", "any"))
        answering = context.wrap_bio(to_server, to_client, server_side=True)
        for _ in range(_TURNS):
            if all([_is_done(asking.do_handshake), _is_done(answering.do_handshake)]):
                return True
    except (ssl.SSLError, ValueError):
        return False
    return False


def _is_done(shake: Callable[[], None]) -> bool:
    try:
        shake()
    except ssl.SSLWantReadError:
        return False
    return True
