"""The folder `tls` of a data folder: this server's own authority, and the certificate that it last made for itself.

tls/            0700
├── ca.crt      0600  what devices are told to trust; no secret
├── ca.key      0600  whoever has it can pass for this server
└── server.pem  0600  key, certificate and the authority's, in one file so that it changes in one step
"""

import socket
import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography import x509

from app.tls.authority import Authority, names_in
from storage.disk import Disk, replace_file

RENEW_AFTER = 2 / 3
"""Of its life."""
_PROBES = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of nobody (RFC 5737, RFC 3849): what is asked is which of our own would be used; nothing is sent."""


class OwnCertificate:
    """The authority and the certificate that a data folder holds, if it does."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        """Name the folder `tls`; nothing is read yet."""
        self.folder = folder
        self.server = folder / "server.pem"
        self._certificate = folder / "ca.crt"
        self._key = folder / "ca.key"
        self._disk = disk

    @property
    def exists(self) -> bool:
        """Whether `cairn tls init` was run here."""
        return self.server.exists()

    def init(self, names: Sequence[str], now: datetime) -> None:
        """Make a certificate for `names`, and the authority as well where there is none.

        Raises:
            NameRefusedError: a name is none, or one that the authority here may not vouch for.
            ValueError: the authority here cannot be read.
            OSError: the folder cannot be written.
        """
        if self._key.exists():
            authority = self._authority()
        else:
            authority = Authority.make(socket.gethostname(), names, now)
            self._disk.make_folder(self.folder)
            self._disk.sync_folder(self.folder.parent)
            replace_file(self._disk, self._certificate, authority.certificate_pem)
            replace_file(self._disk, self._key, authority.key_pem)
        replace_file(self._disk, self.server, authority.issue(names, now))

    def renew(self, now: datetime) -> bool:
        """Make the certificate anew, for the names that it has, once two thirds of its life are over; say whether.

        Raises:
            ValueError: what is there cannot be read.
            OSError: the folder cannot be written.
        """
        held = x509.load_pem_x509_certificate(self.server.read_bytes())
        begins, ends = held.not_valid_before_utc, held.not_valid_after_utc
        if now < begins + (ends - begins) * RENEW_AFTER:
            return False
        replace_file(self._disk, self.server, self._authority().issue(names_in(held), now))
        return True

    def authority_pem(self) -> bytes | None:
        """Return what devices are to trust; None where it is not there."""
        with suppress(FileNotFoundError):
            return self._certificate.read_bytes()
        return None

    def _authority(self) -> Authority:
        for path in (self._key, self.server):
            if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
                path.chmod(0o600)
        return Authority.read(self._certificate.read_bytes(), self._key.read_bytes())


def own_names() -> list[str]:
    """Return by which names and addresses this machine is probably reached."""
    host = socket.gethostname().lower().partition(".")[0]
    names = [host, f"{host}.local", "localhost"] if host and host != "localhost" else ["localhost"]
    addresses = []
    for family, nobody in _PROBES:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((nobody, 9))
            addresses.append(str(probe.getsockname()[0]).partition("%")[0])
    return list(dict.fromkeys([*names, *addresses, "127.0.0.1", "::1"]))
