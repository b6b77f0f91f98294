"""The JSON bodies of accounts and devices, version 1. Sizes are bytes, `…_ms` Unix milliseconds."""

from typing import Annotated, Literal, Self

from msgspec import Meta, Struct

from app.auth.identity import ActorKind
from app.errors import InvalidRequestError
from app.ids import encode_id
from app.repositories.actors import ActorRow
from app.repositories.preferences import Preferences
from app.repositories.users import User
from app.services.accounts import Profile, SpaceView
from app.services.app_scope import AppScope
from app.services.app_scope import shown as scope_shown
from app.services.names import DEPTH, NAME_SIZE, PATH_SIZE
from app.services.preferences import Wishes
from app.services.receive import BUNDLE_FRAMES
from app.services.sign_in import NewDevice
from app.services.uploads import ANSWER_CHUNKS, BATCH_CHUNKS
from app.services.urls import BUNDLE_SIZE
from app.wire import Request
from storage.base import MAX_CHUNK
from storage.chunker import AVERAGE_CHUNK, LARGEST_CUT, SMALLEST_CHUNK

Username = Annotated[str, Meta(max_length=1024)]
DeviceName = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
InstallId = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
Totp = Annotated[str, Meta(max_length=64)]
Theme = Literal["auto", "light", "dark"]
Language = Literal["", "de", "en"]


class LoginRequest(Request, frozen=True):
    """Body of POST /api/v1/login. The password has no limit here: what is too long is simply wrong."""

    username: Username
    password: str
    device_name: DeviceName
    totp: Totp | None = None
    install_id: InstallId | None = None


class InstallationRequest(Request, frozen=True):
    """Body of POST /api/v1/installation: random names of an installation's last starts, the newest last."""

    names: Annotated[list[InstallId], Meta(min_length=1, max_length=64)]


class ReauthRequest(Request, frozen=True):
    """Body of POST /api/v1/reauth."""

    password: str
    totp: Totp | None = None


class SessionRequest(Request, frozen=True):
    """Body of POST /api/v1/session; without a name the session is called after the browser.

    With `remember` false the browser forgets it when it is closed.
    """

    username: Username
    password: str
    totp: Totp | None = None
    device_name: DeviceName | None = None
    remember: bool = True


class PasswordRequest(Request, frozen=True):
    """Body of POST /api/v1/password."""

    current: str
    new: str
    totp: Totp | None = None
    end_devices: bool = True


class OthersRequest(Request, frozen=True):
    """Body of POST /api/v1/devices/revoke-others."""

    app_passwords: bool = False


class AppPasswordRequest(Request, frozen=True):
    """Body of POST /api/v1/app-passwords."""

    name: DeviceName
    scope: AppScope = AppScope()


class AppPasswordReply(Struct, frozen=True):
    """Answer to it; the password is shown this once."""

    device_id: str
    password: str


class TotpCodeOnly(Request, frozen=True):
    """A code of the second factor, or where that is on a recovery code."""

    code: Totp


class TotpCode(TotpCodeOnly, frozen=True):
    """The same, and whether devices and app passwords end beside the other sessions."""

    end_devices: bool = False


class TotpEnrolment(Struct, frozen=True):
    """Answer to POST /api/v1/totp; `uri` is what an authenticator app reads from a QR code."""

    secret: str
    uri: str


class TotpStatus(Struct, frozen=True):
    """Answer to GET /api/v1/totp."""

    enabled: bool
    recovery_codes_left: int


class RecoveryReply(Struct, frozen=True):
    """Recovery codes, shown this once."""

    recovery_codes: list[str]


class SignInForm(Request, frozen=True):
    """The form of the sign-in page; `next` is where one wanted to go, a place of the shell."""

    username: Username
    password: str
    totp: Totp | None = None
    remember: Literal["1"] | None = None
    next: Annotated[str, Meta(max_length=8192)] = ""


class SetUpRequest(Request, frozen=True):
    """Body of POST /setup/{token}, and of /invite/{token} as the page sends it."""

    username: Username
    password: str


class SetUpForm(SetUpRequest, frozen=True):
    """The same as the page sends it."""

    password_again: str | None = None

    def check(self) -> None:
        """Raise InvalidRequestError if the password was typed twice and differs."""
        if self.password_again not in (None, self.password):
            raise InvalidRequestError("The two passwords differ.", "passwords_differ")


class ResetForm(SetUpForm, frozen=True):
    """The form with which a new password is set by a code."""

    code: Annotated[str, Meta(max_length=64)] = ""


class SetUpReply(Struct, frozen=True):
    """Answer to a set-up by JSON."""

    username: str


class UserReply(Struct, frozen=True):
    """A user, as shown to that user."""

    user_id: str
    username: str
    is_admin: bool

    @classmethod
    def of(cls, user: User) -> Self:
        """Show `user`."""
        return cls(encode_id(user.id, user.tag), user.name, bool(user.is_admin))


class LoginReply(Struct, frozen=True):
    """Answer to a login; the token is shown this once."""

    token: str
    device_id: str
    user: UserReply

    @classmethod
    def of(cls, device: NewDevice) -> Self:
        """Show `device`."""
        return cls(device.token, device.device_id, UserReply.of(device.user))


class SessionReply(Struct, frozen=True):
    """Answer to POST /api/v1/session; `csrf_token` goes into the header X-CSRF-Token of whatever changes something."""

    device_id: str
    csrf_token: str
    user: UserReply

    @classmethod
    def of(cls, session: NewDevice, csrf_token: str) -> Self:
        """Show `session`."""
        return cls(session.device_id, csrf_token, UserReply.of(session.user))


class DeviceReply(Struct, frozen=True):
    """One of a user's devices, sessions and app passwords; `scope` is an app password's.

    `address` is the network that it was last used from, noted now and then; null where none is known. `is_new` is
    true where who asks is to be told of it: another sign-in, which nobody has said to know.
    """

    device_id: str
    name: str
    kind: Literal["device", "session", "app_password"]
    created_ms: int
    last_used_ms: int
    current: bool
    scope: AppScope | None = None
    address: str | None = None
    is_new: bool = False

    @classmethod
    def of(cls, row: ActorRow, *, asks: int) -> Self:
        """Show `row` to the actor with the id `asks`."""
        return cls(
            encode_id(row.id, row.tag),
            row.name,
            _KIND_NAMES[row.kind],
            row.created_ms,
            row.last_used_ms,
            row.id == asks,
            scope_shown(row.scope) if row.kind == ActorKind.APP_PASSWORD else None,
            row.address,
            row.is_news_to(asks),
        )


class InstallationReply(Struct, frozen=True):
    """Whether the installation is known by its newest name from now on."""

    known: bool


class DevicePage(Struct, frozen=True):
    """A page of devices; `next` is what `after` takes, null at the end."""

    items: list[DeviceReply]
    next: str | None


class ServerReply(Struct, frozen=True):
    """The server, to those who are logged in; `public_url` is empty where none is set."""

    name: str
    version: str
    public_url: str


class LimitsReply(Struct, frozen=True):
    """What one request, file or name may hold."""

    chunk_size: int
    chunks_per_file: int
    chunks_per_answer: int
    files_per_batch: int
    chunks_per_batch: int
    bundle_size: int
    bundle_frames: int
    name_size: int
    path_size: int
    depth: int


class ChunkerReply(Struct, frozen=True):
    """Where to cut files, so that equal content gives equal chunks whichever way it came. Sizes in bytes."""

    algorithm: str
    min_size: int
    average_size: int
    max_size: int
    normalization: int


class PreferencesRequest(Request, frozen=True):
    """Body of PATCH /api/v1/me: how the pages shall be; what is not named stays."""

    theme: Theme | None = None
    language: Language | None = None
    shortcuts: bool | None = None

    def wishes(self) -> Wishes:
        """Return what is asked for."""
        return Wishes(self.theme, self.language, self.shortcuts)


class PreferencesReply(Struct, frozen=True):
    """How the asker wants the pages to be; `language` is empty for what the browser asks for."""

    theme: str
    language: str
    shortcuts: bool

    @classmethod
    def of(cls, preferences: Preferences) -> Self:
        """Show `preferences`."""
        return cls(preferences.theme, preferences.language, preferences.shortcuts)


class ProfileReply(Struct, frozen=True):
    """Answer to GET /api/v1/me. `quota` is null where there is no limit, `csrf_token` where no cookie is used.

    `new_devices` are the newest sign-ins that who asks is to be told of; `vouches` tells whether they may say of these
    that they are known.
    """

    user: UserReply
    device_id: str
    quota: int | None
    used: int
    spaces: list[SpaceView]
    server: ServerReply
    limits: LimitsReply
    chunker: ChunkerReply
    preferences: PreferencesReply
    csrf_token: str | None = None
    new_devices: list[DeviceReply] = []
    vouches: bool = True

    @classmethod
    def of(cls, profile: Profile, server: ServerReply, *, chunks_per_file: int, csrf_token: str | None = None) -> Self:
        """Show `profile` beside what the caller must know of the server."""
        account = profile.account
        return cls(
            user=UserReply.of(account.user),
            device_id=profile.device_id,
            quota=account.quota,
            used=account.used,
            spaces=profile.spaces,
            server=server,
            limits=LimitsReply(
                chunk_size=MAX_CHUNK,
                chunks_per_file=chunks_per_file,
                chunks_per_answer=ANSWER_CHUNKS,
                files_per_batch=FILES_PER_BATCH,
                chunks_per_batch=BATCH_CHUNKS,
                bundle_size=BUNDLE_SIZE,
                bundle_frames=BUNDLE_FRAMES,
                name_size=NAME_SIZE,
                path_size=PATH_SIZE,
                depth=DEPTH,
            ),
            chunker=CHUNKER,
            preferences=PreferencesReply.of(profile.preferences),
            csrf_token=csrf_token,
            new_devices=[DeviceReply.of(row, asks=profile.actor_id) for row in profile.new_devices],
            vouches=profile.vouches,
        )


FILES_PER_BATCH = 1000
CHUNKER = ChunkerReply("fastcdc-2020", SMALLEST_CHUNK, AVERAGE_CHUNK, LARGEST_CUT, normalization=1)
_KIND_NAMES: dict[int, Literal["device", "session", "app_password"]] = {
    ActorKind.DEVICE: "device",
    ActorKind.SESSION: "session",
    ActorKind.APP_PASSWORD: "app_password",
}
