"""`cairn tls init` and `cairn tls status`: a certificate of this server's own, and what it shows at present."""

import argparse
import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from app.config import Settings
from app.control import ask_server
from app.data_folder import DataFolder
from app.tls.authority import NameRefusedError, fingerprint_of, names_in
from app.tls.certificates import CertificateError
from app.tls.own import OwnCertificate, own_names
from storage.disk import LocalDisk

QUESTION_S = 5


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    tls = commands.add_parser("tls", help="TLS without a public name").add_subparsers(dest="action", required=True)
    init = tls.add_parser("init", parents=[shared], help="make a certificate, and a CA where there is none")
    init.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="host names and addresses of this server; those of this machine if none",
    )
    init.set_defaults(run=_init)
    tls.add_parser("status", parents=[shared], help="tell what the server shows of itself").set_defaults(run=_status)


def _init(arguments: argparse.Namespace, settings: Settings) -> int:
    root = settings.data.folder
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = list(dict.fromkeys([name.lower().rstrip(".") for name in arguments.names] or own_names()))
    try:
        _own(settings).init(names, datetime.now(UTC))
    except NameRefusedError as error:
        raise CertificateError(str(error)) from error
    except ValueError as error:
        raise CertificateError(f"The CA in {root / 'tls'} cannot be read: {error}.") from error
    _show(settings)
    if settings.tls.certificate:
        print(f"It is not in use: the setting tls.certificate names {settings.tls.certificate}.")
    elif _told_by_server(settings) is None:
        print("A server that was started before, and without TLS, has to be started again.")
    return 0


def _status(_: argparse.Namespace, settings: Settings) -> int:
    _show(settings)
    told = _told_by_server(settings)
    if told:
        print(f"Not in use: {told} The certificate before goes on.")
    return 0


def _show(settings: Settings) -> None:
    """Print what there is, and how devices come to trust it."""
    own = _own(settings)
    path = Path(settings.tls.certificate) if settings.tls.certificate else own.server
    try:
        leaf = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except FileNotFoundError:
        raise CertificateError(f"There is no certificate at {path}: `cairn tls init` makes one.") from None
    except ValueError as error:
        raise CertificateError(f"{path} holds no certificate: {error}.") from error
    names = names_in(leaf)
    print(f"Certificate: {path}")
    print(f"For:         {', '.join(names)}")
    print(f"Good until:  {leaf.not_valid_after_utc:%Y-%m-%d}")
    authority = None if settings.tls.certificate else own.authority_pem()
    if authority is not None:
        fingerprint = fingerprint_of(x509.load_pem_x509_certificate(authority))
        address = settings.server.public_url.rstrip("/") or f"https://{_first(names)}:{settings.server.port}"
        print(f"CA:          {own.folder / 'ca.crt'}")
        print(f"SHA-256:     {fingerprint}")
        print(f"Browsers and phones: open {address}/trust")
        print(f"Devices: cairn login {address} --user NAME --fingerprint {fingerprint.replace(':', '').lower()}")


def _first(names: list[str]) -> str:
    """Return the name that others on the network most likely reach."""
    return next((name for name in names if name.endswith(".local")), names[0])


def _own(settings: Settings) -> OwnCertificate:
    disk = LocalDisk()
    return OwnCertificate(DataFolder(settings.data.folder, disk).tls, disk)


def _told_by_server(settings: Settings) -> str | None:
    """Return what the running server says is wrong; None where none runs, or it speaks no TLS."""
    with suppress(OSError):
        folder = DataFolder(settings.data.folder, LocalDisk())
        told = asyncio.run(ask_server(folder, "tls.status", {}, timeout_s=QUESTION_S))
        return str(told["problem"]) if told["in_use"] else None
    return None
