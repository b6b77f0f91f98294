"""Servers with TLS: certificates are checked, and everything goes through it that goes without."""

import datetime as dt
import ipaddress
import os
import ssl
from contextlib import closing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from client.errors import UntrustedError
from client.remote import Remote
from client.transport import FileRange
from tests.client.peer import Told, running


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def context(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


def test_an_untrusted_certificate_ends_it_before_anything_is_sent(certificate: Path) -> None:
    with (
        running(lambda _: Told(), context(certificate)) as peer,
        closing(Remote(peer.url, "secret")) as remote,
        pytest.raises(UntrustedError, match="not trusted"),
    ):
        remote.get_file("/a")

    assert peer.asked == []


def test_chunks_of_a_file_go_through_tls(certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 100_000)
    descriptor = os.open(path, os.O_RDONLY)
    with running(lambda _: Told(204, b""), context(certificate)) as peer, closing(Remote(peer.url)) as remote:
        remote.put_content("/a", FileRange(descriptor, 5, 900_000))
        remote.put_content("/b", [memoryview(b"ab"), memoryview(b"cd")])

    os.close(descriptor)
    assert [asked.body for asked in peer.asked] == [path.read_bytes()[5:900_005], b"abcd"]
