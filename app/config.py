"""Owns the settings: their defaults and limits, and how file, environment and command line lie over each other.

Every setting is a field of one of the frozen section classes below; its annotation says what is allowed. `load` is
called once, by the command line; nobody else reads the environment. Names without `__` (CAIRN_HOME, CAIRN_ADMIN_USER)
are not settings.
"""

import dataclasses
import difflib
import ipaddress
import re
import tomllib
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

T = TypeVar("T")

_PREFIX = "CAIRN_"
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.(?!-)[A-Za-z0-9_-]{1,63})*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX_OF_KEYS = re.compile(r"([A-Za-z0-9_-]{1,64}/)*")
_USUAL_PORTS = {"http": ":80", "https": ":443"}
_CONTACT = re.compile(r"mailto:[!-~]+@[!-~]+|https://[!-~]+")
_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/(\*|[a-z0-9][a-z0-9!#$&^_.+-]*)")


class SettingsError(ValueError):
    """A setting stops the start; the text is one sentence that names where, which key, and what is allowed."""


def _check_public_url(value: str) -> None:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError
    _ = parts.port  # raises ValueError out of range


def _check_contact(value: str) -> None:
    if value and not _CONTACT.fullmatch(value):
        raise ValueError


def _check_hosts(value: tuple[str, ...]) -> None:
    if not all(_HOST_NAME.fullmatch(host) for host in value):
        raise ValueError


def _check_networks(value: tuple[str, ...]) -> None:
    for network in value:
        ipaddress.ip_network(network)


def _check_endpoint(value: str) -> None:
    _check_public_url(value)
    if urlsplit(value).path not in ("", "/") or urlsplit(value).username is not None:
        raise ValueError


def _check_bucket(value: str) -> None:
    if not _BUCKET.fullmatch(value):
        raise ValueError


def _check_prefix(value: str) -> None:
    if not _PREFIX_OF_KEYS.fullmatch(value):
        raise ValueError


def _check_content_types(value: tuple[str, ...]) -> None:
    if not all(_CONTENT_TYPE.fullmatch(content_type) for content_type in value):
        raise ValueError


def _rule(allowed: str, *, check: Callable[[Any], None] | None = None, **bounds: Any) -> Meta:
    """Say in words what a field allows, and let msgspec or `check` (raises ValueError) enforce it."""
    return Meta(description=allowed, extra={"check": check}, **bounds)


def _number(least: int, most: int, unit: str = "") -> Meta:
    return _rule(f"a whole number from {least} to {most}{unit and ' ' + unit}", ge=least, le=most)


_CONTENT_TYPES = _rule("a list of content types such as image/png or image/*", check=_check_content_types)


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server listens, and by which names it is reached."""

    host: Annotated[str, _rule("an IP address or host name to listen on", min_length=1)] = "127.0.0.1"
    port: Annotated[int, _number(0, 65535)] = 8080
    public_url: Annotated[str, _rule("an http or https URL without query, or empty", check=_check_public_url)] = ""
    hosts: Annotated[tuple[str, ...], _rule("a list of host names without port", check=_check_hosts)] = ()
    trusted_proxies: Annotated[
        tuple[str, ...], _rule("a list of IP addresses or networks such as 10.0.0.0/8", check=_check_networks)
    ] = ()
    name: Annotated[str, _rule("a name of 1 to 64 characters", min_length=1, max_length=64)] = "Cairn"
    security_contact: Annotated[
        str, _rule("an address such as mailto:admin@example.org or https://…, or empty", check=_check_contact)
    ] = ""

    @property
    def origin(self) -> str:
        """The origin of pages at `public_url`, as browsers write it; empty if there is none."""
        url = urlsplit(self.public_url)
        host = url.netloc.rpartition("@")[2].lower()
        return f"{url.scheme}://{host.removesuffix(_USUAL_PORTS.get(url.scheme, ''))}" if host else ""

    @property
    def host_names(self) -> frozenset[str]:
        """The configured names that a Host header may carry, in lower case: `hosts`, and that of `public_url`."""
        public = urlsplit(self.public_url).hostname
        return frozenset(name.lower() for name in (*self.hosts, *([public] if public else [])))


@dataclass(frozen=True, slots=True)
class Tls:
    """What the server shows of itself, where it speaks TLS; without files, what `cairn tls init` has made."""

    certificate: Annotated[str, _rule("the path of a PEM file, or empty")] = ""
    key: Annotated[str, _rule("the path of a PEM file, or empty")] = ""
    open_passwords: Annotated[bool, _rule("true or false")] = False


@dataclass(frozen=True, slots=True)
class Data:
    """Where everything is kept."""

    folder: Annotated[Path, _rule("the path of a folder")] = Path("data")


@dataclass(frozen=True, slots=True)
class S3:
    """The bucket that keeps chunks, where `storage.backend` says so."""

    endpoint: Annotated[str, _rule("an http or https URL without path, or empty", check=_check_endpoint)] = ""
    public_endpoint: Annotated[str, _rule("an http or https URL without path, or empty", check=_check_endpoint)] = ""
    region: Annotated[str, _rule("the name of a region", min_length=1)] = "us-east-1"
    bucket: Annotated[str, _rule("the name of a bucket, in small letters", check=_check_bucket)] = "cairn"
    prefix: Annotated[str, _rule("empty, or words that each end in /", check=_check_prefix)] = ""
    access_key: Annotated[str, _rule("a text")] = ""
    secret_key: Annotated[str, _rule("a text")] = field(default="", repr=False)
    secret_key_file: Annotated[str, _rule("the path of a file, or empty")] = ""
    path_style: Annotated[bool, _rule("true or false")] = True
    connect_timeout_s: Annotated[int, _number(1, 60, "seconds")] = 5
    read_timeout_s: Annotated[int, _number(1, 600, "seconds")] = 30

    @property
    def public_origin(self) -> str:
        """The origin at which browsers reach the bucket; empty if they are not to."""
        url = urlsplit(self.public_endpoint)
        host = url.netloc if self.path_style else f"{self.bucket}.{url.netloc}"
        return f"{url.scheme}://{host}" if url.netloc else ""


@dataclass(frozen=True, slots=True)
class Storage:
    """How chunks are kept."""

    backend: Annotated[Literal["local", "s3", "minio", "seaweedfs"], _rule("local, s3, minio or seaweedfs")] = "local"
    zstd_level: Annotated[int, _number(1, 19)] = 1
    collect_every_hours: Annotated[int, _number(1, 8_760, "hours")] = 24
    keep_old_days: Annotated[int, _number(0, 365, "days")] = 30
    s3: S3 = field(default_factory=S3)


@dataclass(frozen=True, slots=True)
class Encryption:
    """What opens a store that is encrypted; whether it is, commands decide."""

    key_file: Annotated[str, _rule("the path of a file, or empty")] = ""
    passphrase_file: Annotated[str, _rule("the path of a file, or empty")] = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one user or the whole server may use (security.md, Limits)."""

    chunks_per_file: Annotated[int, _number(1, 1_048_576)] = 262_144
    open_uploads_per_user: Annotated[int, _number(1, 1_000_000)] = 10_000
    uncommitted_bytes_per_user: Annotated[int, _number(8_388_608, 2**53, "bytes")] = 100 * 2**30
    requests_per_user: Annotated[int, _number(1, 10_000)] = 64
    connections: Annotated[int, _number(16, 30_000)] = 2_000
    connections_per_network: Annotated[int, _number(4, 30_000)] = 100
    devices_per_user: Annotated[int, _number(1, 10_000)] = 200
    locks_per_user: Annotated[int, _number(1, 100_000)] = 1_000
    lock_lifetime_s: Annotated[int, _number(60, 86_400, "seconds")] = 3_600
    free_disk_bytes: Annotated[int, _number(0, 2**53, "bytes")] = 2**30
    free_disk_percent: Annotated[int, _number(0, 50, "percent")] = 2


@dataclass(frozen=True, slots=True)
class Uploads:
    """What may be uploaded, and for how long the permission to do so lasts."""

    url_lifetime_s: Annotated[int, _number(60, 86_400, "seconds")] = 3_600
    upload_lifetime_days: Annotated[int, _number(1, 365, "days")] = 14
    allowed_types: Annotated[tuple[str, ...], _CONTENT_TYPES] = ()
    refused_types: Annotated[tuple[str, ...], _CONTENT_TYPES] = ()


@dataclass(frozen=True, slots=True)
class History:
    """How long what is past is kept."""

    newest: Annotated[int, _number(0, 1_000_000)] = 10
    hourly_days: Annotated[int, _number(0, 36_500, "days")] = 1
    daily_days: Annotated[int, _number(0, 36_500, "days")] = 30
    weekly_days: Annotated[int, _number(0, 36_500, "days")] = 365
    trash_days: Annotated[int, _number(0, 36_500, "days")] = 30
    horizon_days: Annotated[int, _number(1, 36_500, "days")] = 365


@dataclass(frozen=True, slots=True)
class Log:
    """What is written to standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], _rule("debug, info, warning or error")] = "info"
    format: Annotated[Literal["text", "json"], _rule("text or json")] = "text"


@dataclass(frozen=True, slots=True)
class Metrics:
    """Who may read the numbers at /metrics."""

    token_file: Annotated[str, _rule("the path of a file, or empty")] = ""
    open: Annotated[bool, _rule("true or false")] = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a server."""

    server: Server = field(default_factory=Server)
    tls: Tls = field(default_factory=Tls)
    data: Data = field(default_factory=Data)
    storage: Storage = field(default_factory=Storage)
    encryption: Encryption = field(default_factory=Encryption)
    limits: Limits = field(default_factory=Limits)
    uploads: Uploads = field(default_factory=Uploads)
    history: History = field(default_factory=History)
    log: Log = field(default_factory=Log)
    metrics: Metrics = field(default_factory=Metrics)


class _Key(NamedTuple):
    """One setting: its type, the words for what it allows, and its own check."""

    type: Any
    allowed: str
    check: Callable[[Any], None] | None


class _Value(NamedTuple):
    """A raw value and where it came from: `origin` opens the sentence that refuses it."""

    raw: object
    origin: str
    text: bool = False  # from the environment, where everything is a string


def _walk_keys(section: type, before: str = "") -> Iterator[tuple[str, _Key]]:
    for name, hint in typing.get_type_hints(section, include_extras=True).items():
        if dataclasses.is_dataclass(hint):
            yield from _walk_keys(typing.cast("type", hint), f"{before}{name}.")
        else:
            rule: Meta = hint.__metadata__[0]
            yield f"{before}{name}", _Key(hint, rule.description or "", (rule.extra or {})["check"])


_KEYS = dict(_walk_keys(Settings))
_PATHS = (
    "data.folder",
    "tls.certificate",
    "tls.key",
    "storage.s3.secret_key_file",
    "encryption.key_file",
    "encryption.passphrase_file",
)
_SECTIONS = tuple(dict.fromkeys(key.rpartition(".")[0] for key in _KEYS))
_TABLES = tuple(section for section in _SECTIONS if "." not in section)


def variable_of(key: str) -> str:
    """Return the environment variable that sets `key`, such as CAIRN_SERVER__PORT for `server.port`."""
    return _PREFIX + key.replace(".", "__").upper()


def load(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]) -> Settings:
    """Return the defaults, under the TOML file `path`, under `environ`, under `overrides`.

    Args:
        path: the configuration file, or None; a relative `data.folder` in it counts from the file's own folder.
        environ: variables of the form CAIRN_SECTION__KEY count; a list is written with commas.
        overrides: values of the command line by key (`server.port`); None means not given.

    Raises:
        SettingsError: an unknown key, or a value of a wrong type or out of bounds, wherever it stands.
    """
    values = {**_of_file(path), **_of_environment(environ)}
    values |= {key: _Value(raw, "The command line") for key, raw in overrides.items() if raw is not None}
    return _made(Settings, {key: _convert(key, value) for key, value in values.items()})


def _made(section: type[T], values: Mapping[str, object], before: str = "") -> T:
    """Return a section with those of `values` whose keys begin with `before`, and defaults for all else."""
    given: dict[str, object] = {}
    for name, hint in typing.get_type_hints(section).items():
        if dataclasses.is_dataclass(hint):
            given[name] = _made(typing.cast("type", hint), values, f"{before}{name}.")
        elif before + name in values:
            given[name] = values[before + name]
    return section(**given)


def _of_file(path: Path | None) -> dict[str, _Value]:
    if path is None:
        return {}
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    values = {}
    for section, table in tables.items():
        if section not in _TABLES:
            raise _unknown(str(path), section, _TABLES)
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {section} must be a section, begun by a line [{section}].")
        for key, raw in _flat(section, table):
            if key not in _KEYS:
                raise _unknown(str(path), key, [known for known in _KEYS if known.startswith(f"{section}.")])
            values[key] = _Value(_beside(path, raw) if key in _PATHS else raw, str(path))
    return values


def _flat(section: str, table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, raw in table.items():
        if isinstance(raw, dict) and f"{section}.{name}" in _SECTIONS:
            yield from _flat(f"{section}.{name}", raw)
        else:
            yield f"{section}.{name}", raw


def _beside(path: Path, raw: object) -> object:
    return str(path.parent / raw) if isinstance(raw, str) and raw else raw


def _of_environment(environ: Mapping[str, str]) -> dict[str, _Value]:
    keys = {variable_of(key): key for key in _KEYS}
    single = {variable.replace("__", "_"): variable for variable in keys}
    values = {}
    for variable, raw in environ.items():
        if variable in keys:
            values[keys[variable]] = _Value(raw, variable, text=True)
        elif variable in single:
            raise SettingsError(f"{variable} is not a setting: did you mean {single[variable]} (two underscores)?")
        elif variable.startswith(_PREFIX) and "__" in variable:
            raise _unknown("The environment", variable, keys)
    return values


def _unknown(origin: str, key: str, known: Iterable[str]) -> SettingsError:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
    return SettingsError(f"{origin}: {key} is not a setting: {hint}")


def _convert(key: str, value: _Value) -> object:
    kind, allowed, check = _KEYS[key]
    raw = value.raw
    if value.text and isinstance(raw, str) and typing.get_origin(kind.__origin__) is tuple:
        raw = [item.strip() for item in raw.split(",") if item.strip()]
    try:
        converted: object = msgspec.convert(raw, kind, strict=not value.text, dec_hook=_to_path)
        if check is not None:
            check(converted)
    except ValueError as error:  # msgspec's ValidationError is one
        where = value.origin if value.text else f"{value.origin}: {key}"
        raise SettingsError(f"{where} must be {allowed}, not {_shown(key, value.raw)}.") from error
    return converted


def _to_path(_kind: type, raw: object) -> Path:
    if isinstance(raw, Path):
        return raw
    if not isinstance(raw, str) or not raw or "\0" in raw:
        raise ValueError
    return Path(raw).expanduser()


def _shown(key: str, raw: object) -> str:
    text = "that" if key.endswith("secret_key") else repr(raw)
    return text if len(text) <= 80 else text[:77] + "…"  # noqa: PLR2004 - a sentence, not a page
