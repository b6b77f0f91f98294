"""Servers that no public authority vouches for: theirs is pinned at the login, by a file or by its fingerprint."""

import hashlib
import http.client
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from client.errors import LocalFileError, RefusedError, UsageError
from client.transport import CONNECT_TIMEOUT_S, origin_of

PATH = "/ca.crt"
MOST = 64 * 1024
DIGITS = 64


def read_authority(path: str) -> str:
    """Return the certificates of a PEM file.

    Raises:
        LocalFileError: it cannot be read.
        UsageError: it holds no certificate.
    """
    try:
        pem = Path(path).read_text("ascii")
        ssl.create_default_context(cadata=pem)
    except OSError as error:
        raise LocalFileError(f"{path} cannot be read: {error.strerror}.") from error
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(f"{path} holds no certificate in the form of PEM.") from error
    return pem


def fetch_authority(server: str) -> str | None:
    """Return the authority that a server names as its own, which proves nothing yet; None if it names none.

    Nothing but this question is sent, to whoever answers there.
    """
    parts = urlsplit(server)
    origin = origin_of(parts)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(origin.host, origin.port, timeout=CONNECT_TIMEOUT_S, context=context)
    try:
        connection.request("GET", parts.path.rstrip("/") + PATH)
        response = connection.getresponse()
        told = response.read(MOST)
        if response.status != http.HTTPStatus.OK:
            return None
        # Only what the fingerprint is of: behind it there could be more.
        return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(told.decode("ascii")))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def fingerprint_of(authority: str) -> str:
    """Return the SHA-256 of a certificate, as hex digits."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(authority)).hexdigest()


def fetch_known_authority(server: str, fingerprint: str) -> str:
    """Return the authority of a server, which must have this fingerprint.

    Raises:
        UsageError: that is no fingerprint.
        RefusedError: the server names another authority, or none.
    """
    wanted = "".join(fingerprint.split()).replace(":", "").lower()
    if len(wanted) != DIGITS or not set(wanted) <= set("0123456789abcdef"):
        raise UsageError("A fingerprint is the SHA-256 of a certificate: 64 hex digits, with or without colons.")
    authority = fetch_authority(server)
    if authority is None or fingerprint_of(authority) != wanted:
        raise RefusedError(f"{server} does not show the CA of this fingerprint: no password was sent.")
    return authority
