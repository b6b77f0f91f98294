"""The CA of a household: what it vouches for, what strict verifiers make of it, and what lies on the disk."""

import ssl
import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from app.tls.authority import Authority, NameRefusedError, names_in
from app.tls.own import OwnCertificate
from storage.disk import LocalDisk
from tests.simdisk import SimDisk
from tests.tls.conftest import strict

NOW = datetime.now(UTC)


def trusts(client: ssl.SSLContext, server: Path, name: str) -> bool:
    """Say whether a handshake in memory succeeds."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server)
    left, right = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking, answering = (
        client.wrap_bio(left, right, server_hostname=name),
        context.wrap_bio(right, left, server_side=True),
    )
    try:
        for side in (asking, answering, asking, answering):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    except ssl.SSLCertVerificationError:
        return False
    return asking.version() is not None and bool(asking.getpeercert())


@pytest.fixture
def own(tmp_path: Path) -> OwnCertificate:
    return OwnCertificate(tmp_path / "tls", LocalDisk())


def test_strict_verifiers_take_it_for_the_names_that_were_given_and_for_no_others(own: OwnCertificate) -> None:
    own.init(["nas", "nas.local", "192.168.1.7", "fd00::7", "files.example.org"], NOW)

    context = strict(own.folder / "ca.crt")
    leaf = x509.load_pem_x509_certificate(own.server.read_bytes())

    for name in ("nas", "nas.local", "192.168.1.7", "fd00::7", "files.example.org"):
        assert trusts(context, own.server, name), name
    assert not trusts(context, own.server, "other.local")
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=397)
    assert {stat.S_IMODE(path.stat().st_mode) for path in own.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(own.folder.stat().st_mode) == 0o700


def test_whoever_stole_its_key_passes_for_no_name_of_the_internet(own: OwnCertificate, tmp_path: Path) -> None:
    own.init(["nas.local"], NOW)
    stolen = Authority.read((own.folder / "ca.crt").read_bytes(), (own.folder / "ca.key").read_bytes())
    free = Authority.make("thief", ["bank.example", "9.9.9.9"], NOW)
    forger = Authority(x509.load_pem_x509_certificate(free.certificate_pem), stolen.key)
    object.__setattr__(forger, "certificate", _Renamed(free.certificate, stolen.certificate))
    forged = tmp_path / "forged.pem"
    forged.write_bytes(forger.issue(["bank.example", "9.9.9.9"], NOW))
    context = strict(own.folder / "ca.crt")

    with pytest.raises(NameRefusedError, match="tls init"):
        stolen.issue(["bank.example"], NOW)
    assert not trusts(context, forged, "bank.example")
    assert not trusts(context, forged, "9.9.9.9")


class _Renamed:
    """The subject of one certificate with the constraints of another: what a thief's own program would use."""

    def __init__(self, allowing: x509.Certificate, named: x509.Certificate) -> None:
        self.extensions = allowing.extensions
        self.subject = named.subject
        self.public_bytes = named.public_bytes


@pytest.mark.parametrize("seed", range(8))
def test_a_ca_that_devices_were_told_of_is_there_after_a_power_cut(tmp_path: Path, seed: int) -> None:
    disk = SimDisk(tmp_path)
    OwnCertificate(tmp_path / "tls", disk).init(["nas.local"], NOW)

    found = disk.crash(seed)

    assert found.list_(tmp_path / "tls") == ["ca.crt", "ca.key", "server.pem"]


def test_a_further_init_keeps_the_ca_and_changes_the_names(own: OwnCertificate) -> None:
    own.init(["nas.local"], NOW)
    authority = own.authority_pem()

    own.init(["nas.local", "attic.local"], NOW)

    assert own.authority_pem() == authority
    assert names_in(x509.load_pem_x509_certificate(own.server.read_bytes())) == ["nas.local", "attic.local"]


def test_it_is_made_anew_once_two_thirds_of_its_life_are_over(own: OwnCertificate) -> None:
    own.init(["nas.local", "10.0.0.1"], NOW)
    before = own.server.read_bytes()

    assert not own.renew(NOW + timedelta(days=262))
    assert own.server.read_bytes() == before
    assert own.renew(NOW + timedelta(days=265))

    renewed = x509.load_pem_x509_certificate(own.server.read_bytes())
    assert renewed.not_valid_after_utc > NOW + timedelta(days=600)
    assert names_in(renewed) == ["nas.local", "10.0.0.1"]


@pytest.mark.parametrize("name", ["", "a b", "https://nas", "nas/", "-nas", "a..b", "*.local", "ü.local"])
def test_what_is_no_name_is_refused(own: OwnCertificate, name: str) -> None:
    with pytest.raises(NameRefusedError):
        own.init(["nas.local", name], NOW)

    assert not own.exists
