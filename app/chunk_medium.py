"""Which medium keeps the chunks, as the settings say."""

from functools import partial
from pathlib import Path

from app.config import S3, SettingsError, Storage
from storage.local import LocalMedium
from storage.s3.bucket import Bucket
from storage.store import OpenMedium


def medium_of(settings: Storage) -> OpenMedium:
    """Return what opens the medium.

    Raises:
        SettingsError: what it needs is not set, or a file with a secret cannot be read.
    """
    if settings.backend == "local":
        return LocalMedium.open
    from storage.s3.medium import S3Medium  # noqa: PLC0415 - its SDK takes memory that a local store has better use for

    return partial(S3Medium.open, bucket=_bucket_of(settings.s3))


def _bucket_of(s3: S3) -> Bucket:
    secret_key = _secret_of(s3)
    if not s3.endpoint or not s3.access_key or not secret_key:
        raise SettingsError(
            'storage.backend = "s3" needs storage.s3.endpoint, access_key, and secret_key or secret_key_file.'
        )
    return Bucket(
        endpoint=s3.endpoint,
        name=s3.bucket,
        access_key=s3.access_key,
        secret_key=secret_key,
        region=s3.region,
        prefix=s3.prefix,
        path_style=s3.path_style,
        connect_timeout_s=s3.connect_timeout_s,
        read_timeout_s=s3.read_timeout_s,
    )


def _secret_of(s3: S3) -> str:
    if not s3.secret_key_file:
        return s3.secret_key
    try:
        return Path(s3.secret_key_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"storage.s3.secret_key_file: {s3.secret_key_file} cannot be read.") from error
