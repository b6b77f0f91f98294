"""The bodies about one's own account as the client writes and reads them."""

import msgspec

from client.protocol_past import AppScope


class ProofRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/reauth."""

    password: str
    totp: str | None


class PasswordRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/password."""

    current: str
    new: str
    totp: str | None
    end_devices: bool


class AppPasswordRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/app-passwords."""

    name: str
    scope: AppScope


class AppPassword(msgspec.Struct, frozen=True):
    """An app password, shown this once."""

    device_id: str
    password: str


class CodeRequest(msgspec.Struct, frozen=True):
    """A code of the second factor."""

    code: str


class Enrolment(msgspec.Struct, frozen=True):
    """A second factor that was begun: its secret, and the URI that authenticator apps read."""

    secret: str
    uri: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Codes that stand for one of the second factor, each once."""

    recovery_codes: list[str]


class InstallationRequest(msgspec.Struct, frozen=True):
    """Body of POST /api/v1/installation: names of an installation's last starts, the newest last."""

    names: list[str]


class InstallationAnswer(msgspec.Struct, frozen=True):
    """Whether the server knows the installation by its newest name from now on."""

    known: bool
