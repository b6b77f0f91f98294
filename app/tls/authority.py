"""A certificate authority of one household: it vouches for this server's local names and addresses, and for no others.

Strict verifiers (Python 3.13 on, Apple, Android) want both key identifiers, a critical BasicConstraints and KeyUsage,
the purpose in the server's certificate, and no longer life than 397 days there; so all of it is set.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Self, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE_OF_AUTHORITY = timedelta(days=3650)
LIFE = timedelta(days=397)
BACKDATED = timedelta(days=1)  # clocks of devices differ
NAME_LENGTH = 64
"""Of a common name (RFC 5280, A.1)."""
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*")
_LOCAL_NAMES = ("localhost", "local", "lan", "home.arpa", "internal")
_LOCAL_NETWORKS = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)


class NameRefusedError(Exception):
    """A name cannot stand in a certificate of this authority; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Authority:
    """What signs: a certificate that devices are told to trust, and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls, title: str, names: Sequence[str], now: datetime) -> Self:
        """Make one that can only vouch for `names` and for what is local anyway.

        Raises:
            NameRefusedError: one of the names is neither a host name nor an IP address.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Cairn CA of {title}"[:NAME_LENGTH])])
        allowed: list[x509.GeneralName] = [x509.DNSName(name) for name in _LOCAL_NAMES]
        allowed += [x509.IPAddress(ipaddress.ip_network(network)) for network in _LOCAL_NETWORKS]
        allowed += [_constraint(name) for name in names if not _is_local(name)]
        made = (
            _builder(subject, subject, key.public_key(), now, LIFE_OF_AUTHORITY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .add_extension(x509.NameConstraints(allowed, None), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(made, key)

    @classmethod
    def read(cls, certificate: bytes, key: bytes) -> Self:
        """Read one from PEM; raises ValueError if it is none."""
        return cls(
            x509.load_pem_x509_certificate(certificate),
            cast(ec.EllipticCurvePrivateKey, serialization.load_pem_private_key(key, None)),
        )

    @property
    def certificate_pem(self) -> bytes:
        """Its certificate, which is no secret."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """Its key."""
        return _pem_of(self.key)

    def issue(self, names: Sequence[str], now: datetime) -> bytes:
        """Return a new key and a certificate of it for `names`, with this authority's behind it, in one PEM file.

        Raises:
            NameRefusedError: this authority may not vouch for one of the names.
        """
        for name in names:
            if not _is_local(name) and _constraint(name) not in self._allowed():
                raise NameRefusedError(
                    f"The CA here may not vouch for {name}: remove its folder `tls` and run `cairn tls init` with all "
                    "names; every device then has to trust the new CA."
                )
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cairn server")])
        made = (
            _builder(subject, self.certificate.subject, key.public_key(), now, LIFE)
            .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _pem_of(key) + made.public_bytes(serialization.Encoding.PEM) + self.certificate_pem

    def _allowed(self) -> list[x509.GeneralName]:
        constraints = self.certificate.extensions.get_extension_for_class(x509.NameConstraints)
        return list(constraints.value.permitted_subtrees or ())


def names_in(certificate: x509.Certificate) -> list[str]:
    """Return the host names and addresses that a certificate is for, as people write them."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate as people compare it: 32 pairs of hex digits."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    begins = now.astimezone(UTC) - BACKDATED
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    """Return a name as a certificate holds it.

    Raises:
        NameRefusedError: it is neither a host name nor an IP address.
    """
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        if not _HOST.fullmatch(name):
            raise NameRefusedError(f"{name!r} is neither a host name nor an IP address.") from None
        return x509.DNSName(name)


def _constraint(name: str) -> x509.GeneralName:
    """Return what allows a name: a host name and what is below it, or one address."""
    alternative = _alternative(name)
    return x509.IPAddress(ipaddress.ip_network(name)) if isinstance(alternative, x509.IPAddress) else alternative


def _is_local(name: str) -> bool:
    """Say whether every authority of ours may vouch for the name."""
    alternative = _alternative(name)
    if not isinstance(alternative, x509.IPAddress):
        return any(name == local or name.endswith(f".{local}") for local in _LOCAL_NAMES)
    networks: list[IPv4Network | IPv6Network] = [ipaddress.ip_network(network) for network in _LOCAL_NETWORKS]
    return any(ipaddress.ip_address(name) in network for network in networks)


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
