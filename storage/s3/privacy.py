"""What keeps others on this machine out of SeaweedFS, whose parts speak with each other over ports of their own.

The secret of its S3 guards one of them. Behind the others anybody could read and remove everything; so they ask for a
certificate, and for tokens, that lie where its user alone may read.
"""

import json
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from storage.disk import Disk, replace_file

_PARTS = ("master", "volume", "filer", "s3", "client", "admin", "worker", "mq", "msg_broker", "msg_agent")
_TOKENS = ("signing", "signing.read", "filer_signing", "filer_signing.read")
_LIFE = timedelta(days=36_500)
_BACKDATED = timedelta(days=1)


def keep_private(home: Path, disk: Disk) -> None:
    """Make anew what SeaweedFS looks for in the home of its user: one certificate for all its parts, and keys.

    Args:
        home: as its environment says.
        disk: the seam to the operating system.
    """
    folder = home / ".seaweedfs"
    settings, certificate, key = folder / "security.toml", folder / "parts.crt", folder / "parts.key"
    disk.make_folder(folder)
    made, secret = _certificate()
    replace_file(disk, certificate, made)
    replace_file(disk, key, secret)
    named = f"cert = {json.dumps(str(certificate))}\nkey = {json.dumps(str(key))}\n"
    lines = [f'[jwt.{name}]\nkey = "{secrets.token_urlsafe(30)}"\n' for name in _TOKENS]
    lines.append(f"[grpc]\nca = {json.dumps(str(certificate))}\n")
    lines += [f"[grpc.{part}]\n{named}" for part in _PARTS]
    replace_file(disk, settings, "".join(lines).encode())


def _certificate() -> tuple[bytes, bytes]:
    """Return a certificate that vouches for itself, to be shown by both ends, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cairn")])
    begins = datetime.now(UTC) - _BACKDATED
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + _LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("cairn")]), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), secret
